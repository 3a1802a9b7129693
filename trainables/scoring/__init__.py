"""Official metrics, and the scores of extracted answers."""
