"""How a sweep stands, read from its files alone: no Ray, no data, no plan to make, nothing is written.

It works while the sweep runs in another process or on another machine, and after it was killed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from search.board import Arm, choose
from search.now import Now, read_now
from search.sweep import read_sweep
from spaces.columns import Status
from spaces.errors import UsageError
from spaces.stage import stage_from_json
from spaces.table import unknown
from trainables.outcome import Outcome, read_outcome
from trainables.places import SPEC

FILE = "sweep.json"


@dataclass(slots=True, kw_only=True)
class Group:
    """A stratum as planned, and those of its arms that have ended."""

    id: str
    planned: int
    parent: str | None
    ended: list[Arm] = field(default_factory=list)
    unreachable: str | None = None  # why no arm can ever start

    @property
    def place(self) -> tuple[str, str]:
        """Kind and task."""
        kind, task, *_ = self.id.split(".")
        return kind, task

    @property
    def intermediate(self) -> str:
        """The intermediate task of its chain."""
        return self.id.split(".")[2]

    @property
    def settled(self) -> bool:
        """No arm is left that could run."""
        return self.unreachable is not None or len(self.ended) >= self.planned

    @property
    def winner(self) -> Arm | None:
        """The arm that children start from, once there is one."""
        return choose(self.ended) if self.settled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepState:
    """A sweep's specification, its strata (parents before children), and what it said last about itself."""

    results: Path
    name: str
    spec: dict[str, object]
    groups: dict[str, Group]
    keys: frozenset[str]  # every stage that the sweep names
    now: Now | None
    damaged: tuple[str, ...]  # files that cannot be read, by name

    @property
    def folder(self) -> Path:
        """The sweep's own folder."""
        return self.results / self.name

    @property
    def complete(self) -> bool:
        """Nothing is left that could run."""
        return all(group.settled for group in self.groups.values())

    def arms(self) -> Iterator[tuple[Group, Arm, Outcome]]:
        """Every arm that has ended."""
        for group in self.groups.values():
            for arm in group.ended:
                assert arm.outcome is not None
                yield group, arm, arm.outcome

    def counts(self) -> Counter[str]:
        """How many stages ended with which status, are unreachable, are waiting (or running), and are planned."""
        found: Counter[str] = Counter(outcome.status for _, _, outcome in self.arms())
        found["planned"] = sum(group.planned for group in self.groups.values())
        found["unreachable"] = sum(group.planned for group in self.groups.values() if group.unreachable)
        found["waiting"] = found["planned"] - found["unreachable"] - sum(found[one] for one in _STATUSES)
        return found


_STATUSES: tuple[Status, ...] = ("finished", "stopped", "degenerate", "failed")


def find_sweeps(path: Path) -> tuple[Path, list[str]]:
    """The results folder and the names of the sweeps that `path` stands for: its one sweep, or all in the folder.

    Raises UsageError, with near names, where there is none.
    """
    path = path.resolve()
    if (path / FILE).is_file():
        return path.parent, [path.name]
    if path.is_dir():
        names = sorted(file.parent.name for file in path.glob(f"*/{FILE}"))
        if not names:
            raise UsageError(f"{path} is neither a sweep (it has no {FILE}) nor a results folder with sweeps.")
        return path, names
    names = sorted(file.parent.name for file in path.parent.glob(f"*/{FILE}"))
    hint = unknown("sweep", path.name, names) if names else f"{path.parent} holds no sweeps."
    raise UsageError(f"{path} does not exist: {hint}")


def read_state(results: Path, name: str) -> SweepState:
    """Read a sweep; raises UsageError if its own file is none that can be used."""
    folder = results / name
    record = read_sweep(folder)
    if record is None:
        raise UsageError(f"{folder} is no sweep: it has no {FILE}.")
    groups = _groups(folder, record.get("planned"))
    by_stratum: dict[str, list[str]] = {}
    for key, stratum in record["stages"].items():
        if not re.fullmatch("[0-9a-f]{16}", key):
            raise UsageError(f"{folder / FILE} names a stage {key!r}: a key has 16 hex digits. The file was changed.")
        by_stratum.setdefault(stratum, []).append(key)
    damaged: list[str] = []
    for group in groups.values():
        parent = None if group.parent is None else groups[group.parent]
        if parent is not None and (not parent.settled or parent.winner is None):
            if parent.settled:
                group.unreachable = parent.unreachable or f"no arm of {parent.id} finished"
            continue
        above = None if parent is None or parent.winner is None else parent.winner.stage.key
        for key in by_stratum.get(group.id, ()):
            arm = _ended(results, folder, group.id, key, damaged)
            if arm is not None and arm.stage.parent == above:  # arms of an earlier winner are no longer the sweep's
                group.ended.append(arm)
    return SweepState(
        results=results,
        name=name,
        spec=record["spec"],
        groups=groups,
        keys=frozenset(record["stages"]),
        now=read_now(folder),
        damaged=tuple(damaged),
    )


def _groups(folder: Path, planned: object) -> dict[str, Group]:
    """The strata as the sweep planned them."""
    again = "run the same command again: it writes the file anew, and nothing finished is trained twice."
    if not isinstance(planned, dict):
        raise UsageError(f"{folder / FILE} does not say what is planned: {again}")
    groups: dict[str, Group] = {}
    for id_, one in planned.items():
        try:
            group = Group(id=id_, planned=int(one["arms"]), parent=one["parent"])
        except (KeyError, TypeError, ValueError):
            group = None
        if group is None or id_.count(".") != 3 or not (group.parent is None or group.parent in groups):
            raise UsageError(f"{folder / FILE} has no stratum {id_!r} that could be read: {again}")
        groups[id_] = group
    return groups


def _ended(results: Path, folder: Path, stratum: str, key: str, damaged: list[str]) -> Arm | None:
    """The arm with this key, if it has ended for this sweep; what cannot be read is noted, and counts as not ended."""
    place = results / "stages" / key
    try:
        outcome = read_outcome(place)
        if outcome is None or (outcome.status == "stopped" and key not in _stopped(folder, stratum)):
            return None
        stage = stage_from_json((place / SPEC).read_text(encoding="utf-8"))
    except (ValueError, OSError):
        damaged.append(f"stages/{key}")
        return None
    return Arm(0, stage, outcome)


def _stopped(folder: Path, stratum: str) -> set[str]:
    """Keys that this sweep's own early stopping has judged: where another sweep stopped a stage it may go on here."""
    try:
        entries = json.loads((folder / "rungs" / f"{stratum}.json").read_text(encoding="utf-8"))
        return {entry[0] for entry in entries}
    except (OSError, ValueError, TypeError, IndexError):
        return set()
