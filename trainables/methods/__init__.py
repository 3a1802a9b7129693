"""Methods: what happens between a batch and its gradients. Each is a small function of a `Step` (see step.py)."""
