"""Probes: measurements of encoders, written beside the scores with `--probes`. Each family of probes has a file."""
