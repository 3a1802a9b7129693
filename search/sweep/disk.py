"""The files of a results folder, known by their names.

Names are those of `Storage.list_sizes`: relative to the results, and taken from listing them and from nowhere else.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PREVIEW_FILE, PROBES_FILE
from trainables.record.context import CHECKPOINT, ENCODER, MODEL, SCORES

_KIND_BY_FILE = {
    CHECKPOINT: "checkpoints",
    ENCODER: "encoders",
    MODEL: "fine-tuned models",
    PREDICTIONS_FILE: "predictions",
    PREVIEW_FILE: "previews",
    PROBES_FILE: "probes",
    SCORES: "scores",
}
TOKENISED_TABLES, QUARANTINED, TEMPORARY_FILES = "tokenised tables", "set-aside files", "temporary files"
SMALL_FILES = "specifications, outcomes and the sweeps' own"
FILE_KINDS = (*_KIND_BY_FILE.values(), TOKENISED_TABLES, QUARANTINED, TEMPORARY_FILES, SMALL_FILES)

# Temporary names given by spaces/whole_files.py (a dot, the name, the process id) and by safetensors.
_TEMPORARY_PATTERN = re.compile(r"\..+\.\d+|\.tmp\w{6}")
# Names given by trainables/storage/base.py and trainables/features/shared_table.py.
_QUARANTINED_PATTERN = re.compile(r".+\.(damaged|reopened)\d*")
KEY_PATTERN = re.compile(r"[0-9a-f]{16}")  # of a stage


def kind_of(name: str) -> str:
    """Return the kind of a file, one of FILE_KINDS."""
    parts = name.split("/")
    if temporary_root_of(name) is not None:
        return TEMPORARY_FILES
    if quarantine_root_of(name) is not None:
        return QUARANTINED
    if parts[0] == "encoded":
        return TOKENISED_TABLES
    return SMALL_FILES if stage_of(name) is None else _KIND_BY_FILE.get(parts[2], SMALL_FILES)


def stage_of(name: str) -> str | None:
    """Return the key of the stage whose folder has a file; None for any other file."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "stages" and KEY_PATTERN.fullmatch(parts[1]) else None


def temporary_root_of(name: str) -> str | None:
    """Return the temporary file or folder that a file is, or lies in; None for other files."""
    return _find_root(name, _TEMPORARY_PATTERN)


def quarantine_root_of(name: str) -> str | None:
    """Return the quarantined file or folder that a file is, or lies in; None for other files."""
    return _find_root(name, _QUARANTINED_PATTERN)


def _find_root(name: str, pattern: re.Pattern[str]) -> str | None:
    parts = name.split("/")
    depth = next((depth for depth, part in enumerate(parts, start=1) if pattern.fullmatch(part)), None)
    return None if depth is None else "/".join(parts[:depth])


def sum_by_kind(files: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return the number of files and their bytes, for each kind that has any."""
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    for name, size in files.items():
        sizes[kind_of(name)].append(size)
    return {kind: (len(sizes[kind]), sum(sizes[kind])) for kind in FILE_KINDS if kind in sizes}
