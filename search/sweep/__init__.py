"""A sweep's files: its specification, its status, what lies on disk."""
