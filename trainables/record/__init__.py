"""The record of a stage on disk: specification, outcome, scores, tensors."""
