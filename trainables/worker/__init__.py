"""The worker process: its heartbeat, what may fail in it, and whether a process lives."""
