"""The run of a sweep with Ray Tune: searcher, early stopping as Tune sees it, progress."""
