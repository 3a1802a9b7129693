"""Early stopping, racing over seeds and sampled learning rates, and what they keep on disk."""
