"""Probes: measurements of encoders, written beside the scores with `--probes`. One family of them per file.

family      what a family is given and returns
probing     the families by name; probes a stage
rows        the file that it writes
"""
