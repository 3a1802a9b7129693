"""Probes: measurements of encoders, written beside the scores with `--probes`. Each family of probes has a file.

family      types that all families share
probing     the families by name; probes a stage
probe_file  the file of the measurements
"""
