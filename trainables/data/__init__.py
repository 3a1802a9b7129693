"""Data of tasks: locations, rows, examples, retrieval pools, and checks."""
