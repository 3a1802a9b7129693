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
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from search.board.arms import Arm, choose_winner
from search.sweep.status_file import SweepStatus, read_status
from search.sweep.sweep_file import read_sweep
from spaces.columns import Status
from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE, DecidedChain, parse_decided
from spaces.table import describe_unknown
from trainables.data.task_data import DataSource
from trainables.record.context import StageContext, read_spec
from trainables.record.outcome import OUTCOME_FILE, Outcome, read_outcome
from trainables.storage.base import Storage, is_remote
from trainables.storage.local_storage import LocalStorage
from trainables.storage.open import open_storage


@dataclass(slots=True, kw_only=True)
class StratumRecord:
    """A stratum as planned, and those of its arms that have ended."""

    id: str
    planned_arms: int
    parent: str | None
    ended_arms: list[Arm] = field(default_factory=list)
    unreachable_reason: str | None = None  # why no arm can ever start

    @property
    def kind_and_task(self) -> tuple[str, str]:
        """Kind and task."""
        kind, task, *_ = self.id.split(".")
        return kind, task

    @property
    def intermediate(self) -> str:
        """The intermediate task of its chain."""
        _, task, chain, _ = self.id.split(".")
        return chain or task

    @property
    def is_settled(self) -> bool:
        """No arm is left that could run."""
        return self.unreachable_reason is not None or len(self.ended_arms) >= self.planned_arms

    @property
    def winner(self) -> Arm | None:
        """The arm that children start from, once there is one."""
        return choose_winner(self.ended_arms) if self.is_settled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepState:
    """A sweep's specification, its strata (parents before children), and what it said last about itself."""

    results: Storage
    name: str
    spec: dict[str, object]
    records: dict[str, StratumRecord]
    stratum_by_key: Mapping[str, str]  # every key that the sweep names, with its stratum
    status: SweepStatus | None
    files: Mapping[str, int]  # bytes of everything in the results, by name
    damaged: tuple[str, ...]  # files that cannot be read, by name
    decided: Mapping[str, DecidedChain]  # chains that a race gave no further seeds

    @property
    def is_complete(self) -> bool:
        """Nothing is left that could run."""
        return all(group.is_settled for group in self.records.values())

    def iter_ended_arms(self) -> Iterator[tuple[StratumRecord, Arm, Outcome]]:
        """Every arm that has ended."""
        for group in self.records.values():
            for arm in group.ended_arms:
                assert arm.outcome is not None
                yield group, arm, arm.outcome

    def count_stages(self) -> Counter[str]:
        """How many stages ended with which status, are unreachable, are waiting (or running), and are planned."""
        found: Counter[str] = Counter(outcome.status for _, _, outcome in self.iter_ended_arms())
        found["planned"] = sum(group.planned_arms for group in self.records.values())
        found["unreachable"] = sum(group.planned_arms for group in self.records.values() if group.unreachable_reason)
        found["waiting"] = found["planned"] - found["unreachable"] - sum(found[one] for one in _ENDED_STATUSES)
        return found


_ENDED_STATUSES: tuple[Status, ...] = ("finished", "stopped", "degenerate", "failed")


def find_sweeps(place: str) -> tuple[Storage, list[str]]:
    """The results and the names of the sweeps that `place` stands for: its one sweep, or all in the results.

    Raises UsageError, with near names, where there is none.
    """
    above, name = _split_parent(place)
    try:
        results = open_storage(above) if name else None
        if results is not None and results.has(f"{name}/{SWEEP_FILE}"):
            return results, [name]
        within = list_sweep_names(open_storage(place))
        beside = [] if within or results is None else list_sweep_names(results)
    except (ValueError, OSError) as error:
        raise UsageError(f"{place} cannot be read: {error}") from error
    if within:
        return open_storage(place), within
    if beside:
        raise UsageError(f"{place} is no sweep: {describe_unknown('sweep', name, beside)}")
    raise UsageError(f"{place} is neither a sweep (it has no {SWEEP_FILE}) nor a results folder with sweeps.")


def _split_parent(place: str) -> tuple[str, str]:
    """What is above a place, and its own name there."""
    if not is_remote(place):
        path = Path(place).resolve()
        return str(path.parent), path.name
    parts = urlsplit(place)
    above, _, name = parts.path.rstrip("/").rpartition("/")
    return urlunsplit(parts._replace(path=above)), name


def list_sweep_names(results: Storage) -> list[str]:
    """The sweeps in a results folder."""
    if isinstance(results, LocalStorage):  # what lies there may be anything, and large
        return sorted(path.parent.name for path in results.root.glob(f"*/{SWEEP_FILE}"))
    return sorted(name.partition("/")[0] for name in results.list_sizes() if re.fullmatch(f"[^/]+/{SWEEP_FILE}", name))


def read_states(results: Storage, names: Iterable[str]) -> list[SweepState]:
    """Read sweeps; raises UsageError for one whose own file is none that can be used."""
    files = results.list_sizes()
    return [_read_state(results, name, files) for name in names]


def _read_state(results: Storage, name: str, files: Mapping[str, int]) -> SweepState:
    record = read_sweep(results, name)
    if record is None:
        raise UsageError(f"{results.url}/{name} is no sweep: it has no {SWEEP_FILE}.")
    groups = _parse_planned(f"{results.url}/{name}/{SWEEP_FILE}", record.get("planned"))
    by_stratum: dict[str, list[str]] = {}
    for key, stratum in record["stages"].items():
        if not re.fullmatch("[0-9a-f]{16}", key):
            raise UsageError(
                f"{name}/{SWEEP_FILE} names a stage {key!r}: a key has 16 hex digits. The file was changed."
            )
        by_stratum.setdefault(stratum, []).append(key)
    place = StageContext(results=results, source=DataSource(benchmark=str(record["spec"].get("benchmark"))))
    keys = [key for key in record["stages"] if place.file_name(key, OUTCOME_FILE) in files]
    with ThreadPoolExecutor(16) as pool:  # object storage takes its time for each file, and many at once
        arms = dict(zip(keys, pool.map(partial(_read_arm, place), keys), strict=True))
    for group in groups.values():
        parent = None if group.parent is None else groups[group.parent]
        if parent is not None and parent.winner is None:
            if parent.is_settled:
                group.unreachable_reason = parent.unreachable_reason or f"no arm of {parent.id} finished"
            continue
        above = None if parent is None or parent.winner is None else parent.winner.stage.key
        stopped = _read_stopped_keys(results, f"{name}/rungs/{group.id}.json", files)
        for key in by_stratum.get(group.id, ()):
            arm = arms.get(key)
            if arm is None or arm.outcome is None or arm.stage.parent != above:  # an earlier winner's arms are past
                continue
            if arm.outcome.status != "stopped" or key in stopped:
                group.ended_arms.append(arm)
    return SweepState(
        results=results,
        name=name,
        spec=record["spec"],
        records=groups,
        stratum_by_key=record["stages"],
        status=read_status(results, name),
        files=files,
        damaged=tuple(f"stages/{key}" for key, arm in arms.items() if arm is None),
        decided=_read_decided(f"{results.url}/{name}/{SWEEP_FILE}", record),
    )


def _parse_planned(file: str, planned: object) -> dict[str, StratumRecord]:
    """The strata as the sweep planned them."""
    again = "run the same command again: it writes the file anew, and nothing finished is trained twice."
    if not isinstance(planned, dict):
        raise UsageError(f"{file} does not say what is planned: {again}")
    groups: dict[str, StratumRecord] = {}
    for id_, one in planned.items():
        try:
            group = StratumRecord(id=id_, planned_arms=int(one["arms"]), parent=one["parent"])
        except (KeyError, TypeError, ValueError):
            group = None
        if group is None or id_.count(".") != 3 or not (group.parent is None or group.parent in groups):
            raise UsageError(f"{file} has no stratum {id_!r} that could be read: {again}")
        groups[id_] = group
    return groups


def _read_decided(file: str, record: Mapping[str, Any]) -> dict[str, DecidedChain]:
    try:
        return parse_decided(record.get("decided") or {})
    except ValueError as error:
        raise UsageError(f"{file} does not say readably what a race decided: run the same command again.") from error


def _read_arm(place: StageContext, key: str) -> Arm | None:
    """The arm of a stage that left an outcome; None if that or its specification cannot be read."""
    try:
        stage, outcome = read_spec(place, key), read_outcome(place, key)
    except ValueError:
        return None
    return Arm(0, stage, outcome)


def _read_stopped_keys(results: Storage, name: str, files: Mapping[str, int]) -> set[str]:
    """Keys that this sweep's own early stopping has judged: where another sweep stopped a stage it may go on here."""
    if name not in files:
        return set()
    try:
        return {entry[0] for entry in json.loads(results.read(name) or b"")}
    except (ValueError, TypeError, IndexError):
        return set()
