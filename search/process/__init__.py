"""The process of the command: signals, child processes, temporary folder."""
