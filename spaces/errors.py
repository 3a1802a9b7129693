"""What ends a command: bad input, exit codes, and how an error is told on one line."""

from enum import IntEnum


class UsageError(ValueError):
    """What the user asked for cannot be done. The message gives the rule, the value and what to do; exit code 2."""


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    DONE = 0
    FAILED = 1  # some stages failed, or the sweep stopped by itself
    USAGE = 2  # bad usage, or data that lack something; nothing was written
    INTERRUPTED = 130  # run the same command again


def first_line_of(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
