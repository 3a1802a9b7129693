"""The record of a sweep, and where its stages lie."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spaces.errors import UsageError

SWEEP_FILE = "sweep.json"
SWEEP_VERSION = 1
SCORES_FILE = "scores.parquet"  # in the folder of a stage
STAGE_KEY = re.compile(r"\w[\w.+-]*")  # one plain name: keys become parts of paths


def read_record(file: Path) -> dict[str, Any]:
    """What `sweep.json` holds; raises UsageError for a file that is none or of a later version."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        version, spec = record["version"], record["spec"]
        known = isinstance(version, int) and len(record["stages"]) >= 0
        wrong = next((key for key in record["stages"] if not STAGE_KEY.fullmatch(str(key))), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no key of a stage")
        for axis in ("intermediates", "targets", "seeds"):
            known = known and isinstance(spec[axis], list)
        parse_decided(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is no record of a sweep ({type(error).__name__}: {error}).") from error
    if not known:
        raise UsageError(f"{file} is no record of a sweep: version, stages or an axis of its spec is of another kind.")
    if version > SWEEP_VERSION:
        raise UsageError(f"{file} is of version {version}, this program reads up to {SWEEP_VERSION}: use a newer one.")
    return dict(record)


def parse_decided(record: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    """The chains that a race decided early, each with every seed that it was not given.

    The record has the seeds that it was given, as `{"shuffled": {"after": [0, 1, 2], "of": 8}}`.
    """
    seeds = record["spec"]["seeds"]
    chains = record.get("decided", {}).items()
    return frozenset((str(chain), seed) for chain, one in chains for seed in seeds if seed not in one["after"])


def stages_folder_of(folder: Path) -> Path:
    """The folder of the stages, beside the sweep's own."""
    return folder.resolve().parent / "stages"
