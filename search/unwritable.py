"""The results cannot be written: the disk is full, or they are read-only. No stage is to blame, and nothing is lost."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from trainables.storage import Storage

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTDIR}  # if it is the results they speak of


def explain(error: BaseException, results: Storage) -> str | None:
    """One line on what to do, if the error or one it came from says that the results cannot be written; else None."""
    for one in _chain(error):
        if isinstance(one, OSError) and _speaks_of(one, results):
            reason = one.strerror or (str(one).splitlines() or [type(one).__name__])[0]
            where = "" if one.filename is None else f": {one.filename}"
            return (
                f"the results in {results.url} cannot be written ({reason}{where}{_room(results)}). Nothing that is "
                "finished is lost: make room or allow writing, and the same command continues from here."
            )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and not any(one is other for other in seen):
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__


def _speaks_of(error: OSError, results: Storage) -> bool:
    if "://" in results.url:
        return type(error) is OSError or error.errno in FULL  # what pyarrow makes of any refusal
    if error.errno in FULL:
        return True
    names = [name for name in (error.filename, error.filename2) if isinstance(name, str | os.PathLike)]
    return error.errno in DENIED and any(Path(name).resolve().is_relative_to(results.url) for name in names)


def _room(results: Storage) -> str:
    if "://" in results.url:
        return ""
    try:
        return f"; {shutil.disk_usage(results.url).free / 2**20:.0f} MiB are free"
    except OSError:
        return ""
