"""Official metrics and answer scores."""
