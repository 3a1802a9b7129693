"""The record of a sweep, and where its stages lie."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_VERSION, parse_decided

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
        list_skipped_seeds(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is no record of a sweep ({type(error).__name__}: {error}).") from error
    if not known:
        raise UsageError(f"{file} is no record of a sweep: version, stages or an axis of its spec is of another kind.")
    if version > SWEEP_VERSION:
        raise UsageError(f"{file} is of version {version}, this program reads up to {SWEEP_VERSION}: use a newer one.")
    return dict(record)


def list_skipped_seeds(record: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    """Return the chains that a race decided early, each with every seed that it was not given."""
    chains = parse_decided(record.get("decided", {}))
    return frozenset(
        (name, seed) for name, chain in chains.items() for seed in record["spec"]["seeds"] if seed not in chain.seeds
    )


def stages_folder_of(folder: Path) -> Path:
    """The folder of the stages, beside the sweep's own."""
    return folder.resolve().parent / "stages"
