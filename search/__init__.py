"""The search: plan to trials to results, with Ray Tune. `run.py` is the command."""
