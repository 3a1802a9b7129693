"""Training and evaluation: the training loop, batches, the schedule, mixing, encoded data sets, predictions."""
