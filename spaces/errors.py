"""Errors of commands: bad input, exit codes, and errors reported on one line."""

from enum import IntEnum


class UsageError(ValueError):
    """A request that cannot be carried out.

    The message gives the rule, the value that breaks it, and what to do; several faults have a line each.
    Commands print the message and end with exit code 2. Nothing was written then.
    """


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    DONE = 0
    FAILED = 1  # some stages failed, the sweep stopped itself, Ray did not start, or output was lost
    USAGE = 2  # bad usage or missing data; nothing was written
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it; the same command continues


def first_line_of(error: BaseException) -> str:
    """Return the first line of an error's message that is not blank.

    Reports have one line for an error, while libraries raise messages of many lines. An error without a message is
    reported by the name of its class, so that the line is never empty.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
