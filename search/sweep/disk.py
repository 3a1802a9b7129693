"""What lies in a results folder: names, sizes and what each file is.

Names are those of `Storage.sizes`: relative to the results, from listing them and from nowhere else.
"""

import re
from collections import Counter
from collections.abc import Mapping

from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from trainables.record.context import CHECKPOINT, ENCODER, SCORES

CHECKPOINTS, ENCODERS, TOKENISED_TABLES = "checkpoints", "encoders", "tokenised tables"
QUARANTINED, TEMPORARY_FILES, SMALL_FILES = (
    "set-aside files",
    "temporary files",
    "specifications, outcomes and the sweeps' own",
)
FILE_KINDS = (
    CHECKPOINTS,
    ENCODERS,
    "predictions",
    "probes",
    "scores",
    TOKENISED_TABLES,
    QUARANTINED,
    TEMPORARY_FILES,
    SMALL_FILES,
)

_KIND_BY_FILE = {
    CHECKPOINT: CHECKPOINTS,
    ENCODER: ENCODERS,
    PREDICTIONS_FILE: "predictions",
    PROBES_FILE: "probes",
    SCORES: "scores",
}
# As trainables/storage/files.py (a dot, the name, the process) and safetensors name what they have not renamed yet.
_TEMPORARY_PATTERN = re.compile(r"\..+\.\d+|\.tmp\w{6}")
_QUARANTINED_PATTERN = re.compile(
    r".+\.(damaged|reopened)\d*"
)  # as trainables/storage/base.py and trainables/features/shared_table.py do
_KEY_PATTERN = re.compile(r"[0-9a-f]{16}")


def kind_of(name: str) -> str:
    """Which of KINDS a file is."""
    parts = name.split("/")
    if temporary_root_of(name) is not None:
        return TEMPORARY_FILES
    if quarantine_root_of(name) is not None:
        return QUARANTINED
    if parts[0] == "encoded":
        return TOKENISED_TABLES
    return _KIND_BY_FILE.get(parts[2], SMALL_FILES) if stage_of(name) is not None and len(parts) > 2 else SMALL_FILES


def stage_of(name: str) -> str | None:
    """The key of the stage whose folder a file is in; None for any other file."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "stages" and _KEY_PATTERN.fullmatch(parts[1]) else None


def temporary_root_of(name: str) -> str | None:
    """The temporary file or folder that a file is or lies in; None for other files."""
    return _find_root(name, _TEMPORARY_PATTERN)


def quarantine_root_of(name: str) -> str | None:
    """The file or folder under a set-aside name that a file is or lies in; None for other files."""
    return _find_root(name, _QUARANTINED_PATTERN)


def _find_root(name: str, pattern: re.Pattern[str]) -> str | None:
    parts = name.split("/")
    found = next((i for i, part in enumerate(parts, start=1) if pattern.fullmatch(part)), None)
    return None if found is None else "/".join(parts[:found])


def sum_by_kind(files: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Number and bytes of the files of each kind that is there."""
    number: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for name, bytes_ in files.items():
        kind = kind_of(name)
        number[kind] += 1
        size[kind] += bytes_
    return {kind: (number[kind], size[kind]) for kind in FILE_KINDS if number[kind]}
