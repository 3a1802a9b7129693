"""The worker process: its watchdog, the kinds of its failures, and the state of processes."""
