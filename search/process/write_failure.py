"""What to say when the driver itself cannot write: the results, or its temporary files."""

import math
import re
import shutil
from contextlib import suppress
from pathlib import Path

from search.process.ray_folder import TMPDIR_HINT, find_ray_root
from search.process.ray_start import LITTLE_SPACE
from trainables.storage.base import is_remote

DENIED = re.compile("Permission denied|Operation not permitted")
CONTINUE_HINT = "Fix this, then run the same command again"


def describe_write_failure(error: Exception, results: str) -> str | None:
    """Return the message for an error of the driver that wrote the results; None for any other error."""
    from trainables.worker.failures import STORAGE, failure_of

    results = results if is_remote(results) else str(Path(results).resolve())
    failure = failure_of(error, results)
    if failure.kind is not STORAGE:
        return None
    if DENIED.search(failure.reason):
        return f"stopped: this user has no right to a file of the results ({failure.reason}). {CONTINUE_HINT}."
    temporary = str(find_ray_root())
    if temporary in failure.reason or _count_free_bytes(temporary) < min(LITTLE_SPACE, _count_free_bytes(results)):
        what, folder, hint = "temporary files", temporary, f"Free some space, or {TMPDIR_HINT}; then run"
    else:
        what, folder, hint = "the results", results, "Fix this, then run"
    place = describe_free_space(folder)
    return f"stopped: {what} cannot be written ({failure.reason}){place}. {hint} the same command again."


def describe_free_space(url: str) -> str:
    """Return how much space is left in a folder, as the end of a sentence; of object storage its address alone."""
    free = _count_free_bytes(url)
    return f" in {url}" + ("" if math.isinf(free) else f": {free / 2**20:.1f} MiB are free")


def _count_free_bytes(url: str) -> float:
    """Return the space that is left in a folder; infinity where it is unknown."""
    with suppress(OSError):
        return math.inf if is_remote(url) else shutil.disk_usage(url).free
    return math.inf
