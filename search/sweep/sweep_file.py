"""The sweep's own file, `<results>/<sweep>/sweep.json`: its frozen specification, its plan and its stages' keys."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from spaces.errors import UsageError
from spaces.plan import Stratum
from spaces.sweep_record import READY_ENCODERS, START_FOLDER, SWEEP_FILE, SWEEP_VERSION, parse_chain_seeds
from spaces.versions import read_versions
from trainables.storage.base import Lock, LockedError, Storage, quarantine, write_text

RESULTS_LOCK = ".lock"  # in the results folder, beside the sweeps
GROWING_AXES = ("intermediates", "targets", "learning_rates", "seeds", "floors")  # may get more values
GROWING_MAPPINGS = ("data", "languages", "mixture", "masked", "ceilings")  # may get more entries; no entry may change
# They follow from the other fields, or are places of contents that these have.
DERIVED_FIELDS = ("space", "controls", "retrieval", READY_ENCODERS, START_FOLDER)
_NAME_PATTERN = re.compile(r"\w[\w.+@~:|%-]*")  # of stages and strata: part of a path
REWRITE_HINT = "Run the sweep again: it rewrites the file, and no finished stage is trained again."


class DamagedSweepError(UsageError):
    """A sweep's file is cut or overwritten. A run moves it aside, since flags and stages give all of it again."""


def read_sweep(results: Storage, name: str) -> dict[str, Any] | None:
    """Return the contents of a sweep's `sweep.json`; None if there is none.

    Raises DamagedSweepError for invalid JSON or names, UsageError for a file of another program or a newer version.
    """
    content, file = results.read(f"{name}/{SWEEP_FILE}"), f"{results.url}/{name}/{SWEEP_FILE}"
    if content is None:
        return None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedSweepError(f"{file} is damaged ({error}). {REWRITE_HINT}") from error
    if not isinstance(record, dict) or not isinstance(record.get("spec"), dict) or "stages" not in record:
        raise UsageError(
            f"{file} is not a sweep's file: it has no `spec` or no `stages`. Move it away, or give another --name. "
            "Finished stages are kept."
        )
    file_version = record.get("version", SWEEP_VERSION)
    if isinstance(file_version, int) and file_version > SWEEP_VERSION:
        raise UsageError(
            f"{file} has version {file_version}, but this program reads versions up to {SWEEP_VERSION}. Use a newer "
            "version of this program."
        )
    stages = record["stages"]
    names = (*stages, *map(str, stages.values())) if isinstance(stages, dict) else ("",)
    invalid = next((name for name in names if not _NAME_PATTERN.fullmatch(name)), None)
    if invalid is not None:
        raise DamagedSweepError(f"{file} is damaged (invalid name {invalid!r} in `stages`). {REWRITE_HINT}")
    return record


def check_sweep(results: Storage, name: str, spec: Mapping[str, Any]) -> None:
    """Raise UsageError unless a sweep of this name may continue with a specification. A damaged file is no obstacle."""
    try:
        record = read_sweep(results, name)
    except DamagedSweepError:
        return
    if record is not None:
        check_growth(record["spec"], spec, name)


def quarantine_damaged_sweep(results: Storage, name: str) -> str | None:
    """Move a damaged `sweep.json` aside; returns a line that reports it, None if the file is not damaged."""
    file = f"{name}/{SWEEP_FILE}"
    try:
        read_sweep(results, name)
    except DamagedSweepError:
        moved_to = quarantine(results, file)
        return f"{file} is damaged; it is rewritten, and the flags cannot be checked against it -> {moved_to}"
    return None


def write_sweep(
    results: Storage,
    name: str,
    *,
    spec: Mapping[str, Any],
    stages: Mapping[str, str],
    sources: Mapping[str, Sequence[str]],
    repositories: Mapping[str, str | None],
    strata: Iterable[Stratum],
    decided: Mapping[str, Mapping[str, Any]] | None = None,
    packages: Sequence[str] = (),
) -> None:
    """Write the file whole.

    `stages` maps each key to the id of its stratum, `sources` each task to the files that it reads, and `repositories`
    each repository of the hub to the commit that is read, None for one that the hub does not have. From the planned
    `strata` readers learn how many stages are still to come. `decided` are the chains that a race gives no further
    seeds, as of `RaceStanding.decisions`. `packages` are those that methods need.
    """
    content = {
        "version": SWEEP_VERSION,
        "spec": spec,
        "stages": dict(sorted(stages.items(), key=lambda item: item[1])),
        "planned": {stratum.id: _describe_stratum(stratum) for stratum in strata},
        "decided": decided or {},
        "sources": sources,
        "repositories": repositories,
        "versions": read_versions(packages),
        "commit": read_commit(),
    }
    write_text(results, f"{name}/{SWEEP_FILE}", json.dumps(content, indent=1))


def _describe_stratum(stratum: Stratum) -> dict[str, Any]:
    entry = {"arms": stratum.arm_count, "parent": stratum.parent}
    return {**entry, **({"merged": stratum.merged} if stratum.merged else {})}


def check_growth(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> None:
    """Raise UsageError unless the new specification only adds stages to the old one."""
    differences = []
    for field in sorted({*old, *new} - set(DERIVED_FIELDS)):
        before, after = old.get(field), new.get(field)
        if field == "ceilings":  # sweeps without any do not have the field
            before = {} if before is None else before
        is_growth = _keeps_chain_seeds(old, new) if field == "chain_seeds" else _is_growth(field, before, after)
        if before != after and not is_growth:
            differences += _format_differences(field, before, after)
    if differences:
        raise UsageError(
            f"the sweep {name!r} was started with another specification, and a sweep can only be extended:\n"
            + "\n".join(differences)
            + "\nGive another --name, or the flags it was started with."
        )


def _format_differences(field: str, before: Any, after: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(name, before.get(name), after.get(name)) for name in {**before, **after}]
        return [f"  {field}: {name} was {json.dumps(b)}, now {json.dumps(a)}" for name, b, a in pairs if b != a]
    return [f"  {field}: was {json.dumps(before)}, now {json.dumps(after)}"]


def _keeps_chain_seeds(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return True if every chain that had seeds of its own has them still, alone or with all chains."""
    try:
        before, after = parse_chain_seeds(old), parse_chain_seeds(new)
    except ValueError:
        return False
    return all({*seeds} <= {*after.get(name, new["seeds"])} for name, seeds in before.items())


def _is_growth(field: str, before: Any, after: Any) -> bool:
    if field in GROWING_MAPPINGS and isinstance(before, dict) and isinstance(after, dict):
        return all(after.get(name) == value for name, value in before.items())
    if field not in GROWING_AXES:
        return False
    if isinstance(before, list) and isinstance(after, list):
        return all(value in after for value in before)
    if isinstance(before, dict) and isinstance(after, dict):  # a range may get more draws
        old_draws, new_draws = before.get("draws"), after.get("draws")
        is_same_range = {**before, "draws": 0} == {**after, "draws": 0}
        return is_same_range and isinstance(old_draws, int) and isinstance(new_draws, int) and old_draws <= new_draws
    return False


@cache
def read_commit() -> str | None:
    """Return the commit of this code at the first call; None outside a git checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def lock_results(results: Storage) -> Lock:
    """Lock the results for this run; raises UsageError if they cannot be written or another run has locked them."""
    try:
        return results.lock(RESULTS_LOCK)
    except LockedError as error:
        raise UsageError(
            f"the results in {results.url} are in use by {error}. Wait until it ends, or give other --results."
        ) from error
    except OSError as error:
        raise UsageError(f"the results in {results.url} cannot be written: {error.strerror or error}.") from error
