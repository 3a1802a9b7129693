"""What lies in a results folder: names, sizes and what each file is.

Names are relative to the results folder, with slashes. They come from listing it and from nowhere else, and links are
not followed: so no name can lead out of it.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from spaces.prediction_columns import PREDICTIONS
from trainables.places import CHECKPOINT, ENCODER, SCORES

CHECKPOINTS, ENCODERS, TABLES = "checkpoints", "encoders", "tokenised tables"
SET_ASIDE, TEMPORARY, SMALL = "set-aside files", "left by kills", "specifications, outcomes and the sweeps' own"
KINDS = (CHECKPOINTS, ENCODERS, "predictions", "scores", TABLES, SET_ASIDE, TEMPORARY, SMALL)

_OF_STAGE = {CHECKPOINT: CHECKPOINTS, ENCODER: ENCODERS, PREDICTIONS: "predictions", SCORES: "scores"}
_TEMPORARY = re.compile(r"\..+\.(\d+)")  # as trainables/files.py names them: a dot, the name, the process
_SET_ASIDE = re.compile(r".+\.(damaged|reopened)(\W.*)?")
_KEY = re.compile(r"[0-9a-f]{16}")


def list_files(results: Path) -> dict[str, int]:
    """Bytes of every file by its name; folders that vanish meanwhile and links are passed over."""
    found: dict[str, int] = {}
    stack = [""]
    while stack:
        prefix = stack.pop()
        try:
            with os.scandir(results / prefix) as entries:
                for entry in entries:
                    name = f"{prefix}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(f"{name}/")
                    elif entry.is_file(follow_symlinks=False):
                        found[name] = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # a sweep runs and has just removed or renamed it
            continue
    return found


def kind_of(name: str) -> str:
    """Which of KINDS a file is."""
    parts = name.split("/")
    if temporary_root(name) is not None:
        return TEMPORARY
    if set_aside_root(name) is not None:
        return SET_ASIDE
    if parts[0] == "encoded":
        return TABLES
    return _OF_STAGE.get(parts[2], SMALL) if stage_of(name) is not None and len(parts) > 2 else SMALL


def stage_of(name: str) -> str | None:
    """The key of the stage whose folder a file is in; None for any other file."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "stages" and _KEY.fullmatch(parts[1]) else None


def temporary_root(name: str) -> tuple[str, int] | None:
    """The temporary file or folder that a file is or lies in, with the process that made it; None for other files."""
    return next(((root, int(found[1])) for root, found in _matches(name, _TEMPORARY)), None)


def set_aside_root(name: str) -> str | None:
    """The file or folder under a set-aside name that a file is or lies in; None for other files."""
    return next((root for root, _ in _matches(name, _SET_ASIDE)), None)


def _matches(name: str, pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    parts = name.split("/")
    tried = [("/".join(parts[: i + 1]), pattern.fullmatch(part)) for i, part in enumerate(parts)]
    return [(root, match) for root, match in tried if match is not None]


def by_kind(files: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Number and bytes of the files of each kind that is there."""
    number: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for name, bytes_ in files.items():
        kind = kind_of(name)
        number[kind] += 1
        size[kind] += bytes_
    return {kind: (number[kind], size[kind]) for kind in KINDS if number[kind]}
