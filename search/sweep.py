"""The sweep's own file, `<results>/<sweep>/sweep.json`: its frozen specification and the keys that belong to it."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spaces.errors import UsageError
from trainables.storage import Lock, LockedError, Storage, write_text

VERSION = 1
FILE = "sweep.json"
LOCK = ".lock"  # of the results, beside the sweeps
AXES = ("intermediates", "targets", "learning_rates", "seeds", "floors")  # these may grow
GROWING = ("data", "languages", "mixture")  # these may gain entries, but an entry may not change
DERIVED = ("space", "controls", "retrieval")  # follow from the rest
PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "ray", "optuna", "pyarrow", "polars", "numpy")


def read_sweep(results: Storage, name: str) -> dict[str, Any] | None:
    """What the `sweep.json` of a sweep holds, None if there is none; raises UsageError for a foreign file."""
    content = results.read(f"{name}/{FILE}")
    if content is None:
        return None
    try:
        found = json.loads(content)
        if not isinstance(found, dict) or not isinstance(found["spec"], dict) or not isinstance(found["stages"], dict):
            raise ValueError("it lacks spec or stages")
        return found
    except (ValueError, KeyError) as error:
        raise UsageError(
            f"{results.url}/{name}/{FILE} is no sweep's file ({error}): move it away or choose another --name; "
            "finished stages are kept."
        ) from error


def write_sweep(
    results: Storage,
    name: str,
    spec: Mapping[str, Any],
    stages: Mapping[str, str],
    sources: Mapping[str, Sequence[str]],
    planned: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the file whole. `stages` maps each key to the id of its stratum, `sources` each task to what it reads.

    `planned` has for each stratum of the plan the number of its `arms` and its `parent`, so that readers know how much
    is still to come.
    """
    content = {
        "version": VERSION,
        "spec": spec,
        "stages": dict(sorted(stages.items(), key=lambda item: item[1])),
        "planned": planned,
        "sources": sources,
        "versions": versions(),
        "commit": commit(),
    }
    write_text(results, f"{name}/{FILE}", json.dumps(content, indent=1))


def check_growth(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> None:
    """Raise UsageError unless the new specification only adds stages to the old one."""
    lines = []
    for field in sorted({*old, *new} - set(DERIVED)):
        before, after = old.get(field), new.get(field)
        if before != after and not _grows(field, before, after):
            lines += _differences(field, before, after)
    if lines:
        raise UsageError(
            f"the sweep {name!r} was begun with another specification, and this one does not only add to it:\n"
            + "\n".join(lines)
            + "\nGive another --name, or the flags it was begun with."
        )


def _differences(field: str, before: Any, after: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in before if before[name] != after.get(name)]
        return [
            f"  {field}: {name} was {json.dumps(before[name])}, now {json.dumps(after.get(name))}" for name in names
        ]
    return [f"  {field}: was {json.dumps(before)}, now {json.dumps(after)}"]


def _grows(field: str, before: Any, after: Any) -> bool:
    if field in GROWING and isinstance(before, dict) and isinstance(after, dict):
        return all(after.get(name) == value for name, value in before.items())
    if field not in AXES:
        return False
    if isinstance(before, list) and isinstance(after, list):
        return set(before) <= set(after)
    if isinstance(before, dict) and isinstance(after, dict):  # a range: more draws from the same one
        same = {**before, "draws": 0} == {**after, "draws": 0}
        return same and bool(before["draws"] <= after["draws"])
    return False


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that scores may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def commit() -> str | None:
    """The commit of this code; None where it is no git checkout."""
    root = Path(__file__).resolve().parents[1]
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
        return results.lock(LOCK)
    except LockedError as error:
        raise UsageError(
            f"the results in {results.url} are in use by {error}: wait for it, or give other --results."
        ) from error
    except OSError as error:
        raise UsageError(f"the results in {results.url} cannot be written: {error.strerror or error}.") from error
