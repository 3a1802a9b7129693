"""A sweep's record `sweep.json`, and the files of its stages."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spaces.ceilings import list_ceilings
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_VERSION, parse_chain_seeds, parse_decided

SCORES_FILE = "scores.parquet"  # in the folder of a stage
STAGE_KEY = re.compile(r"\w[\w.+-]*")  # one plain name, because keys become parts of paths


def read_record(file: Path) -> dict[str, Any]:
    """Return the content of `sweep.json`; raise UsageError if it is no valid record or of a later version."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refuse_record(str(file), error) from error
    return check_record(record, str(file))


def check_record(record: Any, source: str) -> dict[str, Any]:
    """Return the content of a `sweep.json`; raise UsageError, naming `source`, if it is none or of a later version."""
    try:
        version, spec = record["version"], record["spec"]
        if not isinstance(version, int):
            raise ValueError(f"`version` must be a whole number, got {version!r}")
        for key in record["stages"]:
            if not STAGE_KEY.fullmatch(str(key)):
                raise ValueError(f"{key!r} is not a stage key")
        for axis in ("intermediates", "targets", "seeds"):
            if not isinstance(spec[axis], list):
                raise ValueError(f"`{axis}` in `spec` must be a list, got {spec[axis]!r}")
        list_skipped_seeds(record)
        list_unplanned_seeds(spec)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse_record(source, error) from error
    if version > SWEEP_VERSION:
        raise UsageError(f"{source} has version {version}, this program reads up to {SWEEP_VERSION}: use a newer one.")
    return dict(record)


def _refuse_record(source: str, error: Exception) -> UsageError:
    return UsageError(f"{source} is not a valid sweep record ({type(error).__name__}: {error}).")


def list_skipped_seeds(record: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    """Return (chain, seed) for every seed that a race did not give to a chain."""
    chains, seeds = parse_decided(record.get("decided", {})), record["spec"]["seeds"]
    return frozenset((name, seed) for name, chain in chains.items() for seed in seeds if seed not in chain.seeds)


def list_all_seeds(spec: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the seeds that any chain of a sweep has, ascending."""
    return tuple(sorted({*spec["seeds"], *(seed for seeds in parse_chain_seeds(spec).values() for seed in seeds)}))


def list_unplanned_seeds(spec: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    """Return (chain, seed) for every seed of the sweep that a chain, a floor or a ceiling was not to get."""
    seeds_of = parse_chain_seeds(spec)
    chains = dict.fromkeys((NONE, RANDOM_ENCODER, *list_planned_ceilings(spec), *spec["intermediates"]))
    return frozenset(
        (name, seed)
        for name in chains
        for seed in list_all_seeds(spec)
        if seed not in seeds_of.get(name, spec["seeds"])
    )


def list_planned_ceilings(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ceilings of a sweep, whose record names each with the targets that it trains."""
    return list_ceilings(name.partition(" ")[0] for name in spec.get("ceilings", ()))


def stages_folder_of(folder: Path) -> Path:
    """Return the folder of the stages, beside the sweep's own folder."""
    return folder.resolve().parent / "stages"


def find_stage_file(stage_folders: Iterable[Path], stage: str, name: str) -> Path | None:
    """Return the file `name` of a stage from the first of the folders of stages that has it."""
    paths = (folder / stage / name for folder in stage_folders)
    return next((path for path in paths if path.is_file()), None)
