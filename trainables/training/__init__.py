"""The training loop and what it runs on: batches, schedule, shares, evaluation."""
