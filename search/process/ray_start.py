"""The start of Ray: it succeeds in time, or ends in one line with the cause and the command that continues.

Ray's own errors come late and say little: it waits for half a minute or a minute for a process that has ended, and then
raises, or aborts this process.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search.process import signals
from search.process.processes import kill_started_processes, watch_start
from search.process.ray_folder import TMPDIR_HINT
from spaces.errors import ExitCode, UsageError, first_line_of

# Ray's own processes beside the driver. Without them it would wait for a minute and then be aborted.
RAY_PROCESSES = ("gcs_server", "raylet")
START_TIMEOUT = 180.0  # seconds; some seconds are usual, and an overloaded machine takes a minute
LITTLE_SPACE = 50 * 2**20  # bytes; a session's files take some 10 MiB at first
LOG_FILES = ("gcs_server.err", "gcs_server.out", "raylet.err", "raylet.out")
LOG_LINE = re.compile(  # an error by its letter, or by the words of the system
    r"^\[[^]]* [ECF] [^]]*\]\s*(.+)$"
    r"|^(.*(?:Check failed|in use|No space|Cannot allocate|Too many|temporarily unavailable|denied).*)$",
    re.MULTILINE,
)
NO_CAUSE = ("bug in Ray", "StackTrace")  # in lines that say nothing of the cause
MAX_LOG_LINE = 200  # characters
USUAL_CAUSES = "Is the machine overloaded, or short of memory, processes (`ulimit -u`) or open files (`ulimit -n`)?"


class RayStartError(Exception):
    """Ray did not start; the message is one line."""


@contextmanager
def expect_start(ray_folder: Path) -> Iterator[None]:
    """Within the context, Ray starts with its files in `ray_folder`.

    Raise RayStartError for an error of Ray. Where Ray would only wait, end the run with exit code 1: after
    START_TIMEOUT, and if one of Ray's processes ends.
    """

    def fail(reason: str) -> None:
        signals.end_now(f"stopped: {describe_failed_start(reason, ray_folder)}", ExitCode.FAILED)

    try:
        with watch_start(RAY_PROCESSES, START_TIMEOUT, fail):
            yield
    except UsageError:
        raise
    except Exception as error:  # Ray raises plain exceptions too
        message = describe_failed_start(first_line_of(error), ray_folder)
        kill_started_processes()
        raise RayStartError(message) from error


def describe_failed_start(reason: str, ray_folder: Path) -> str:
    """Return one line: the reason, what Ray's logs say, and what to do."""
    text = f"Ray did not start ({' '.join(reason.split()).rstrip('.')})."
    with suppress(OSError):
        free = shutil.disk_usage(ray_folder).free
        if free < LITTLE_SPACE:
            return f"{text} {free / 2**20:.1f} MiB are free in {ray_folder.parent}: free some space, or {TMPDIR_HINT}."
    line = find_log_line(ray_folder)
    return f"{text} {USUAL_CAUSES}" if line is None else f"{text} Its log says: {line}. {USUAL_CAUSES}"


def find_log_line(ray_folder: Path) -> str | None:
    """Return the last error in the logs of Ray's processes, cut to a line; None if there is none."""
    lines = []
    for file in LOG_FILES:
        for path in sorted(ray_folder.glob(f"session_2*/logs/{file}")):
            with suppress(OSError):
                matches = LOG_LINE.finditer(path.read_text(encoding="utf-8", errors="replace"))
                lines += [(match[1] or match[2]).strip() for match in matches]
    causes = [line for line in lines if not any(word in line for word in NO_CAUSE)]
    return causes[-1][:MAX_LOG_LINE].rstrip(". ") if causes else None
