"""How a sweep stands, read from its files alone: no Ray, no data, no plan to make, nothing is written.

It works while the sweep runs in another process or on another machine, and after it was killed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from search.board.arms import Arm, choose
from search.sweep.now import Now, read_now
from search.sweep.sweep import FILE, read_sweep
from spaces.columns import Status
from spaces.errors import UsageError
from spaces.table import unknown
from trainables.data.data import Source
from trainables.record.outcome import FILE as OUTCOME
from trainables.record.outcome import Outcome, read_outcome
from trainables.record.places import Place, read_spec
from trainables.storage.base import Storage, is_remote
from trainables.storage.local_storage import LocalStorage
from trainables.storage.open import open_storage


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
        _, task, chain, _ = self.id.split(".")
        return chain or task

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

    results: Storage
    name: str
    spec: dict[str, object]
    groups: dict[str, Group]
    stages: Mapping[str, str]  # every key that the sweep names, with its stratum
    now: Now | None
    files: Mapping[str, int]  # bytes of everything in the results, by name
    damaged: tuple[str, ...]  # files that cannot be read, by name
    decided: Mapping[str, tuple[int, int]]  # chains that a race decided: after how many seeds, of how many

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


def find_sweeps(place: str) -> tuple[Storage, list[str]]:
    """The results and the names of the sweeps that `place` stands for: its one sweep, or all in the results.

    Raises UsageError, with near names, where there is none.
    """
    above, name = _split(place)
    try:
        results = open_storage(above) if name else None
        if results is not None and results.has(f"{name}/{FILE}"):
            return results, [name]
        within = names_of(open_storage(place))
        beside = [] if within or results is None else names_of(results)
    except (ValueError, OSError) as error:
        raise UsageError(f"{place} cannot be read: {error}") from error
    if within:
        return open_storage(place), within
    if beside:
        raise UsageError(f"{place} is no sweep: {unknown('sweep', name, beside)}")
    raise UsageError(f"{place} is neither a sweep (it has no {FILE}) nor a results folder with sweeps.")


def _split(place: str) -> tuple[str, str]:
    """What is above a place, and its own name there."""
    if not is_remote(place):
        path = Path(place).resolve()
        return str(path.parent), path.name
    parts = urlsplit(place)
    above, _, name = parts.path.rstrip("/").rpartition("/")
    return urlunsplit(parts._replace(path=above)), name


def names_of(results: Storage) -> list[str]:
    """The sweeps in a results folder."""
    if isinstance(results, LocalStorage):  # what lies there may be anything, and large
        return sorted(path.parent.name for path in results.root.glob(f"*/{FILE}"))
    return sorted(name.partition("/")[0] for name in results.sizes() if re.fullmatch(f"[^/]+/{FILE}", name))


def read_states(results: Storage, names: Iterable[str]) -> list[SweepState]:
    """Read sweeps; raises UsageError for one whose own file is none that can be used."""
    files = results.sizes()
    return [_read_state(results, name, files) for name in names]


def _read_state(results: Storage, name: str, files: Mapping[str, int]) -> SweepState:
    record = read_sweep(results, name)
    if record is None:
        raise UsageError(f"{results.url}/{name} is no sweep: it has no {FILE}.")
    groups = _groups(f"{results.url}/{name}/{FILE}", record.get("planned"))
    by_stratum: dict[str, list[str]] = {}
    for key, stratum in record["stages"].items():
        if not re.fullmatch("[0-9a-f]{16}", key):
            raise UsageError(f"{name}/{FILE} names a stage {key!r}: a key has 16 hex digits. The file was changed.")
        by_stratum.setdefault(stratum, []).append(key)
    place = Place(results=results, source=Source(benchmark=str(record["spec"].get("benchmark"))))
    keys = [key for key in record["stages"] if place.name(key, OUTCOME) in files]
    with ThreadPoolExecutor(16) as pool:  # object storage takes its time for each file, and many at once
        arms = dict(zip(keys, pool.map(partial(_read_arm, place), keys), strict=True))
    for group in groups.values():
        parent = None if group.parent is None else groups[group.parent]
        if parent is not None and parent.winner is None:
            if parent.settled:
                group.unreachable = parent.unreachable or f"no arm of {parent.id} finished"
            continue
        above = None if parent is None or parent.winner is None else parent.winner.stage.key
        stopped = _stopped(results, f"{name}/rungs/{group.id}.json", files)
        for key in by_stratum.get(group.id, ()):
            arm = arms.get(key)
            if arm is None or arm.outcome is None or arm.stage.parent != above:  # an earlier winner's arms are past
                continue
            if arm.outcome.status != "stopped" or key in stopped:
                group.ended.append(arm)
    return SweepState(
        results=results,
        name=name,
        spec=record["spec"],
        groups=groups,
        stages=record["stages"],
        now=read_now(results, name),
        files=files,
        damaged=tuple(f"stages/{key}" for key, arm in arms.items() if arm is None),
        decided=_decided(f"{results.url}/{name}/{FILE}", record.get("decided") or {}),
    )


def _groups(file: str, planned: object) -> dict[str, Group]:
    """The strata as the sweep planned them."""
    again = "run the same command again: it writes the file anew, and nothing finished is trained twice."
    if not isinstance(planned, dict):
        raise UsageError(f"{file} does not say what is planned: {again}")
    groups: dict[str, Group] = {}
    for id_, one in planned.items():
        try:
            group = Group(id=id_, planned=int(one["arms"]), parent=one["parent"])
        except (KeyError, TypeError, ValueError):
            group = None
        if group is None or id_.count(".") != 3 or not (group.parent is None or group.parent in groups):
            raise UsageError(f"{file} has no stratum {id_!r} that could be read: {again}")
        groups[id_] = group
    return groups


def _decided(file: str, found: object) -> dict[str, tuple[int, int]]:
    """The chains that a race decided, as the sweep says."""
    try:
        return {chain: (len(one["after"]), int(one["of"])) for chain, one in dict(found).items()}  # type: ignore[call-overload]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{file} does not say readably what a race decided: run the same command again.") from error


def _read_arm(place: Place, key: str) -> Arm | None:
    """The arm of a stage that left an outcome; None if that or its specification cannot be read."""
    try:
        stage, outcome = read_spec(place, key), read_outcome(place, key)
    except ValueError:
        return None
    return Arm(0, stage, outcome)


def _stopped(results: Storage, name: str, files: Mapping[str, int]) -> set[str]:
    """Keys that this sweep's own early stopping has judged: where another sweep stopped a stage it may go on here."""
    if name not in files:
        return set()
    try:
        return {entry[0] for entry in json.loads(results.read(name) or b"")}
    except (ValueError, TypeError, IndexError):
        return set()
