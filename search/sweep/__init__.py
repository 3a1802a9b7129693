"""A sweep's files: its specification, its status, and everything else in the results folder."""
