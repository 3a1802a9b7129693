"""Early stopping, races over seeds and sampled learning rates, and their files."""
