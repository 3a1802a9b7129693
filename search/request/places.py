"""The folders that a run writes to: names that their file systems allow, and the right to write. Nothing is made."""

import os
from pathlib import Path

from search.request.options import RunOptions
from search.request.request import SweepRequest
from spaces.errors import UsageError
from trainables.storage.base import Storage, is_remote

USUAL_NAME_BYTES, USUAL_PATH_BYTES = 255, 4096  # where the file system does not say
NAME_BYTES_OF_STORAGE, PATH_BYTES_OF_STORAGE = 255, 1024  # of S3: a key, with all its parts
TEMPORARY_BYTES = len("..1234567")  # what a file's name has while it is written: a dot before it, a process id after it
STAGE_PATH_BYTES = 120  # of the longest path in `stages/` and `encoded/`, with its margin


def check_names(request: SweepRequest) -> None:
    """Raise UsageError if a file of the sweep would have a name or path that is too long for its file system."""
    results = request.context.results.url
    if is_remote(results):
        most_name, most_path = NAME_BYTES_OF_STORAGE, PATH_BYTES_OF_STORAGE
    else:
        most_name, most_path = read_limits(Path(results))
        _check_parts("--results", results, most_name)
        if request.context.scratch is not None:
            _check_parts("--scratch", request.context.scratch, read_limits(Path(request.context.scratch))[0])
    if len(os.fsencode(request.name)) > most_name:
        raise UsageError(
            f"--name {request.name}: it has {len(os.fsencode(request.name))} bytes, and the name of a folder in "
            f"{results} has at most {most_name}. Give a shorter --name."
        )
    files = {stratum.id: f"{request.name}/rungs/{stratum.id}.json" for stratum in request.plan}
    longest = max(files, key=lambda id_: len(os.fsencode(id_)))
    size = len(os.fsencode(longest)) + len(".json") + TEMPORARY_BYTES
    if size > most_name:
        raise UsageError(
            f"the stratum {longest} needs a file name of {size} bytes, and {results} allows {most_name}. Take chains "
            "with shorter names (leave ingredients out), or --results on another file system."
        )
    size = len(os.fsencode(results)) + max(STAGE_PATH_BYTES, len(os.fsencode(files[longest])) + TEMPORARY_BYTES)
    if size >= most_path:
        raise UsageError(
            f"--results {results}: its files would have paths of {size} bytes, and the system allows {most_path - 1}. "
            "Name a folder with a shorter path."
        )


def check_writable(results: Storage, scratch: str | None = None) -> None:
    """Raise UsageError if results cannot be written there, or temporary data in `scratch`. Make no folder."""
    if scratch is not None:
        _check_folder("the folder of --scratch", scratch)
    if not is_remote(results.url):
        _check_folder("the results folder", results.url)
        return
    try:
        results.has(".lock")
    except OSError as error:
        raise UsageError(f"the results in {results.url} cannot be reached: {error}.") from error


def check_hub_cache(options: RunOptions) -> None:
    """Raise UsageError if files of the hub are needed, and their cache does not exist and cannot be made.

    A cache that exists is taken as it is: it may be full and read-only.
    """
    is_local = options.data is not None and options.model is not None and Path(options.model).is_dir()
    if options.benchmark == "miniature" or is_local:
        return
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = find_existing(Path(HF_HUB_CACHE))
    if str(folder) != HF_HUB_CACHE and not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UsageError(
            f"the cache for files of the hub, {HF_HUB_CACHE}, cannot be made: {folder} is not a writable folder. "
            "Set HF_HOME to a folder that can be written."
        )


def read_limits(path: Path) -> tuple[int, int]:
    """Return the most bytes of a name, and of a path, where `path` would be made."""
    folder = find_existing(path)
    try:
        return os.pathconf(folder, "PC_NAME_MAX"), os.pathconf(folder, "PC_PATH_MAX")
    except (OSError, ValueError):
        return USUAL_NAME_BYTES, USUAL_PATH_BYTES


def find_existing(path: Path) -> Path:
    """Return the path, or the nearest one above it that exists."""
    while not os.path.lexists(path) and path.parent != path:
        path = path.parent
    return path


def _check_parts(flag: str, path: str, most: int) -> None:
    for part in Path(path).parts:
        size = len(os.fsencode(part))
        if size > most:
            raise UsageError(
                f"{flag} {path}: a part of this path has {size} bytes, and its file system allows {most}. "
                "Name a folder with a shorter name."
            )


def _check_folder(what: str, path: str) -> None:
    folder = find_existing(Path(path))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{what} {path} cannot be written: {folder} is not a writable folder.")
