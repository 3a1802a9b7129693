"""What a stage leaves on disk: outcome, scores, tensors."""
