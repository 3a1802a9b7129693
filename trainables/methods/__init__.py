"""Methods: functions from a training step to gradients. Each is a small function of a `TrainingStep` (see step.py)."""
