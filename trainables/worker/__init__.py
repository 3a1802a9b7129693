"""The worker process: its watchdog, the kinds of its failures, and whether a process is alive."""
