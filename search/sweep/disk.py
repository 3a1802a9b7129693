"""What lies in a results folder: names, sizes and what each file is.

Names are those of `Storage.sizes`: relative to the results, from listing them and from nowhere else.
"""

import re
from collections import Counter
from collections.abc import Mapping

from spaces.prediction_columns import PREDICTIONS
from spaces.probe_columns import PROBES
from trainables.record.places import CHECKPOINT, ENCODER, SCORES

CHECKPOINTS, ENCODERS, TABLES = "checkpoints", "encoders", "tokenised tables"
SET_ASIDE, TEMPORARY, SMALL = "set-aside files", "temporary files", "specifications, outcomes and the sweeps' own"
KINDS = (CHECKPOINTS, ENCODERS, "predictions", "probes", "scores", TABLES, SET_ASIDE, TEMPORARY, SMALL)

_OF_STAGE = {
    CHECKPOINT: CHECKPOINTS,
    ENCODER: ENCODERS,
    PREDICTIONS: "predictions",
    PROBES: "probes",
    SCORES: "scores",
}
# As trainables/storage/files.py (a dot, the name, the process) and safetensors name what they have not renamed yet.
_TEMPORARY = re.compile(r"\..+\.\d+|\.tmp\w{6}")
_SET_ASIDE = re.compile(
    r".+\.(damaged|reopened)\d*"
)  # as trainables/storage/base.py and trainables/features/shared_table.py do
_KEY = re.compile(r"[0-9a-f]{16}")


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


def temporary_root(name: str) -> str | None:
    """The temporary file or folder that a file is or lies in; None for other files."""
    return _root(name, _TEMPORARY)


def set_aside_root(name: str) -> str | None:
    """The file or folder under a set-aside name that a file is or lies in; None for other files."""
    return _root(name, _SET_ASIDE)


def _root(name: str, pattern: re.Pattern[str]) -> str | None:
    parts = name.split("/")
    found = next((i for i, part in enumerate(parts, start=1) if pattern.fullmatch(part)), None)
    return None if found is None else "/".join(parts[:found])


def by_kind(files: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Number and bytes of the files of each kind that is there."""
    number: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for name, bytes_ in files.items():
        kind = kind_of(name)
        number[kind] += 1
        size[kind] += bytes_
    return {kind: (number[kind], size[kind]) for kind in KINDS if number[kind]}
