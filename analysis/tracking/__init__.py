"""The stages of a sweep as runs of programs that show experiments, one module for each program."""
