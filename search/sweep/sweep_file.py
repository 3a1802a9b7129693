"""The sweep's own file, `<results>/<sweep>/sweep.json`: its frozen specification and the keys that belong to it."""

import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE, SWEEP_VERSION
from trainables.storage.base import Lock, LockedError, Storage, quarantine, write_text

RESULTS_LOCK = ".lock"  # of the results, beside the sweeps
GROWING_AXES = ("intermediates", "targets", "learning_rates", "seeds", "floors")  # these may grow
GROWING_MAPPINGS = ("data", "languages", "mixture", "masked")  # these may gain entries, but an entry may not change
DERIVED_FIELDS = ("space", "controls", "retrieval")  # follow from the rest
_NAME_PATTERN = re.compile(r"\w[\w.+@~:-]*")  # of stages and strata: one plain name, as it becomes part of paths
RECORDED_PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "ray", "optuna", "pyarrow", "polars", "numpy")


class DamagedSweepError(UsageError):
    """A sweep's file that was cut or overwritten. A run sets it aside: all it says follows from flags and stages."""


def read_sweep(results: Storage, name: str) -> dict[str, Any] | None:
    """What the `sweep.json` of a sweep holds, None if there is none.

    Raises DamagedSweepError for a file that is no JSON or broken inside, UsageError for one that somebody else or a
    newer version of this program wrote.
    """
    content, file = results.read(f"{name}/{SWEEP_FILE}"), f"{results.url}/{name}/{SWEEP_FILE}"
    if content is None:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedSweepError(f"{file} is damaged ({error}): start the sweep again, to write it anew.") from error
    if not isinstance(found, dict) or not isinstance(found.get("spec"), dict) or "stages" not in found:
        raise UsageError(
            f"{file} is no sweep's file (it lacks spec or stages): move it away or choose another --name; finished "
            "stages are kept."
        )
    written = found.get("version", SWEEP_VERSION)
    if isinstance(written, int) and written > SWEEP_VERSION:
        raise UsageError(f"{file} is of version {written}, this program knows up to {SWEEP_VERSION}: use a newer one.")
    stages = found["stages"]
    names = (*stages, *map(str, stages.values())) if isinstance(stages, dict) else ("",)
    wrong = next((name for name in names if not _NAME_PATTERN.fullmatch(name)), None)
    if wrong is not None:
        raise DamagedSweepError(
            f"{file} is damaged (among its stages {wrong!r} is no plain name): start the sweep again, to write it anew."
        )
    return found


def check_sweep(results: Storage, name: str, spec: Mapping[str, Any]) -> None:
    """Raise UsageError unless a sweep of this name may go on with a specification. A damaged file forbids nothing."""
    try:
        old = read_sweep(results, name)
    except DamagedSweepError:
        return
    if old is not None:
        check_growth(old["spec"], spec, name)


def quarantine_damaged_sweep(results: Storage, name: str) -> str | None:
    """Set a damaged `sweep.json` aside; returns a line about it, None if there was none."""
    try:
        read_sweep(results, name)
    except DamagedSweepError:
        aside = quarantine(results, f"{name}/{SWEEP_FILE}")
        return f"{name}/{SWEEP_FILE} is damaged; it is written anew, unchecked against what it said before -> {aside}"
    return None


def write_sweep(
    results: Storage,
    name: str,
    spec: Mapping[str, Any],
    stages: Mapping[str, str],
    sources: Mapping[str, Sequence[str]],
    planned: Mapping[str, Mapping[str, Any]],
    decided: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write the file whole. `stages` maps each key to the id of its stratum, `sources` each task to what it reads.

    `planned` has for each stratum of the plan the number of its `arms` and its `parent`, so that readers know how much
    is still to come. `decided` has the chains that a race gave no further seeds, as `Race.record` says it.
    """
    content = {
        "version": SWEEP_VERSION,
        "spec": spec,
        "stages": dict(sorted(stages.items(), key=lambda item: item[1])),
        "planned": planned,
        "decided": decided or {},
        "sources": sources,
        "versions": read_versions(),
        "commit": read_commit(),
    }
    write_text(results, f"{name}/{SWEEP_FILE}", json.dumps(content, indent=1))


def check_growth(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> None:
    """Raise UsageError unless the new specification only adds stages to the old one."""
    lines = []
    for field in sorted({*old, *new} - set(DERIVED_FIELDS)):
        before, after = old.get(field), new.get(field)
        if before != after and not _is_growth(field, before, after):
            lines += _format_differences(field, before, after)
    if lines:
        raise UsageError(
            f"the sweep {name!r} was begun with another specification, and this one does not only add to it:\n"
            + "\n".join(lines)
            + "\nGive another --name, or the flags it was begun with."
        )


def _format_differences(field: str, before: Any, after: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(name, before.get(name), after.get(name)) for name in {**before, **after}]
        return [f"  {field}: {name} was {json.dumps(b)}, now {json.dumps(a)}" for name, b, a in pairs if b != a]
    return [f"  {field}: was {json.dumps(before)}, now {json.dumps(after)}"]


def _is_growth(field: str, before: Any, after: Any) -> bool:
    if field in GROWING_MAPPINGS and isinstance(before, dict) and isinstance(after, dict):
        return all(after.get(name) == value for name, value in before.items())
    if field not in GROWING_AXES:
        return False
    if isinstance(before, list) and isinstance(after, list):
        return all(value in after for value in before)
    if isinstance(before, dict) and isinstance(after, dict):  # a range: more draws from the same one
        draws = before.get("draws"), after.get("draws")
        same = {**before, "draws": 0} == {**after, "draws": 0}
        return same and isinstance(draws[0], int) and isinstance(draws[1], int) and draws[0] <= draws[1]
    return False


@cache
def read_versions() -> dict[str, str]:
    """Versions of Python and of the packages that scores may depend on."""
    found = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def read_commit() -> str | None:
    """The commit of this code, as it was when first asked; None where it is no git checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def lock_results(results: Storage) -> Lock:
    """Take the results for this run; raises UsageError if they cannot be written or another run has them."""
    try:
        return results.lock(RESULTS_LOCK)
    except LockedError as error:
        raise UsageError(
            f"the results in {results.url} are in use by {error}: wait for it, or give other --results."
        ) from error
    except OSError as error:
        raise UsageError(f"the results in {results.url} cannot be written: {error.strerror or error}.") from error
