"""The state of a sweep, read from its files alone, without Ray, data or flags. Nothing is written.

It can be read while the sweep runs in another process or on another machine, and after the sweep was killed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from search.board.arms import Arm, choose_winner, explain_unreachable
from search.process.garbage_collection import pause_garbage_collection
from search.schedulers.rungs import parse_whole_entries
from search.sweep.disk import KEY_PATTERN
from search.sweep.status_file import SweepStatus, read_status
from search.sweep.sweep_file import REWRITE_HINT, read_sweep
from spaces.errors import UsageError
from spaces.stage import OUTCOME_FILE, Stage
from spaces.sweep_record import SWEEP_FILE, DecidedChain, parse_decided
from spaces.table import describe_unknown
from spaces.untrained_phase import MERGED
from trainables.data.task_data import DataSource
from trainables.record.context import StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome
from trainables.storage.base import Storage, is_remote
from trainables.storage.local_storage import LocalStorage
from trainables.storage.open import open_storage


@dataclass(slots=True, kw_only=True)
class StratumRecord:
    """A stratum of the plan, with the arms that have ended."""

    id: str
    arm_count: int  # of the plan
    parent: str | None
    merged: tuple[str, ...] = ()  # the other strata that it starts from
    ended_arms: list[Arm] = field(default_factory=list)
    unreachable_reason: str | None = None  # why no arm can ever start

    @property
    def kind_and_task(self) -> tuple[str, str]:
        """Kind and task of the stratum's stages."""
        kind, task, *_ = map(unquote, self.id.split("."))
        return kind, task

    @property
    def intermediate(self) -> str:
        """The intermediate task of the stratum's chain."""
        _, task, chain, _ = map(unquote, self.id.split("."))
        return chain or task

    @property
    def sources(self) -> tuple[str, ...]:
        """The ids of the strata whose winners it starts from."""
        return self.merged if self.parent is None else (self.parent, *self.merged)

    @property
    def is_settled(self) -> bool:
        """True if no arm is left that could run."""
        return self.unreachable_reason is not None or len(self.ended_arms) >= self.arm_count

    @property
    def winner(self) -> Arm | None:
        """The arm that children start from; None before the stratum is settled, and if no arm is usable."""
        return choose_winner(self.ended_arms) if self.is_settled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepState:
    """A sweep's specification, its strata (parents before children), and the last status that it wrote."""

    results: Storage
    name: str
    spec: dict[str, object]
    records: dict[str, StratumRecord]
    stratum_by_key: Mapping[str, str]  # stratum of every key in the sweep's file
    status: SweepStatus | None
    files: Mapping[str, int]  # sizes in bytes of all files in the results, by name
    damaged: tuple[str, ...]  # folders of stages with an unreadable outcome or specification
    decided: Mapping[str, DecidedChain]  # chains that a race gave no further seeds

    @property
    def is_complete(self) -> bool:
        """True if nothing is left that could run."""
        return all(record.is_settled for record in self.records.values())

    def iter_ended_arms(self) -> Iterator[tuple[StratumRecord, Arm, Outcome]]:
        """Yield every arm that has ended, with its stratum and its outcome."""
        for record in self.records.values():
            for arm in record.ended_arms:
                assert arm.outcome is not None
                yield record, arm, arm.outcome

    def count_stages(self) -> Counter[str]:
        """Count the stages that ended, by status, and those that are planned, unreachable, and waiting or running."""
        counts: Counter[str] = Counter(outcome.status for _, _, outcome in self.iter_ended_arms())
        ended = counts.total()
        for record in self.records.values():
            counts["planned"] += record.arm_count
            counts["unreachable"] += record.arm_count if record.unreachable_reason else 0
        counts["waiting"] = counts["planned"] - counts["unreachable"] - ended
        return counts


def find_sweeps(url: str) -> tuple[Storage, list[str]]:
    """Return the results and the names of the sweeps at a path or URL. Raises UsageError if there are none."""
    parent, name = _split_parent(url)
    try:
        results = open_storage(parent) if name else None
        if results is not None and results.has(f"{name}/{SWEEP_FILE}"):
            return results, [name]
        inside = list_sweep_names(open_storage(url))
        beside = [] if inside or results is None else list_sweep_names(results)
    except (ValueError, OSError) as error:
        raise UsageError(f"{url} cannot be read: {error}") from error
    if inside:
        return open_storage(url), inside
    if beside:
        raise UsageError(f"{url} is not a sweep: {describe_unknown('sweep', name, beside)}")
    raise UsageError(f"{url} is neither a sweep (it has no {SWEEP_FILE}) nor a results folder with sweeps.")


def _split_parent(url: str) -> tuple[str, str]:
    """Return the parent of a path or URL, and the last part of its name."""
    if not is_remote(url):
        path = Path(url).resolve()
        return str(path.parent), path.name
    parts = urlsplit(url)
    parent, _, name = parts.path.rstrip("/").rpartition("/")
    return urlunsplit(parts._replace(path=parent)), name


def list_sweep_names(results: Storage) -> list[str]:
    """Return the names of the sweeps in the results, sorted."""
    if isinstance(results, LocalStorage):  # the folder may be anything, and large: only its top level is listed
        return sorted(path.parent.name for path in results.root.glob(f"*/{SWEEP_FILE}"))
    return sorted(name.partition("/")[0] for name in results.list_sizes() if re.fullmatch(f"[^/]+/{SWEEP_FILE}", name))


@pause_garbage_collection()
def read_states(results: Storage, names: Iterable[str]) -> list[SweepState]:
    """Read the states of sweeps; raises UsageError for a sweep whose own file is missing or unusable."""
    files = results.list_sizes()
    return [_read_state(results, name, files) for name in names]


def _read_state(results: Storage, name: str, files: Mapping[str, int]) -> SweepState:
    file, content = f"{results.url}/{name}/{SWEEP_FILE}", read_sweep(results, name)
    if content is None:
        raise UsageError(f"{results.url}/{name} is not a sweep: it has no {SWEEP_FILE}.")
    records = _parse_planned(file, content.get("planned"))
    keys_by_stratum: defaultdict[str, list[str]] = defaultdict(list)
    for key, stratum in content["stages"].items():
        if not KEY_PATTERN.fullmatch(key):
            raise UsageError(
                f"{file} has the stage {key!r}, but keys have 16 hex digits. Move the file away, then run the same "
                "command again."
            )
        keys_by_stratum[stratum].append(key)
    context = StageContext(results=results, source=DataSource(benchmark=str(content["spec"].get("benchmark"))))
    keys = [key for key in content["stages"] if context.file_name(key, OUTCOME_FILE) in files]
    arms = _read_arms(context, keys)
    for record in records.values():
        winners = {source: records[source].winner for source in record.sources}
        if lost := next((records[source] for source, winner in winners.items() if winner is None), None):
            if lost.is_settled:
                record.unreachable_reason = explain_unreachable(lost.id, lost.unreachable_reason)
            continue
        keys_of_winners = {source: winner.stage.key for source, winner in winners.items() if winner is not None}
        parent_key = keys_of_winners.get(record.parent or "")
        merged_keys = sorted(keys_of_winners[source] for source in record.merged)
        stopped = _read_stopped_keys(results, f"{name}/rungs/{record.id}.json", files)
        for key in keys_by_stratum[record.id]:
            arm = arms.get(key)
            if arm is None or arm.outcome is None or not _starts_from(arm.stage, parent_key, merged_keys):
                continue
            if arm.status != "stopped" or key in stopped:
                record.ended_arms.append(arm)
    return SweepState(
        results=results,
        name=name,
        spec=content["spec"],
        records=records,
        stratum_by_key=content["stages"],
        status=read_status(results, name),
        files=files,
        damaged=tuple(f"stages/{key}" for key, arm in arms.items() if arm is None),
        decided=_parse_decided(file, content.get("decided") or {}),
    )


def _starts_from(stage: Stage, parent: str | None, merged: Sequence[str]) -> bool:
    """Return True if a stage starts from these winners, and not from earlier ones."""
    return stage.parent == parent and (stage.recipe or {}).get(MERGED, []) == merged


def _parse_planned(file: str, planned: object) -> dict[str, StratumRecord]:
    """Return the planned strata, without arms; raises UsageError for a plan that cannot be read."""
    if not isinstance(planned, dict):
        raise UsageError(f"{file} has no plan (`planned`). {REWRITE_HINT}")
    records: dict[str, StratumRecord] = {}
    for id_, entry in planned.items():
        try:
            merged = tuple(entry.get("merged", ()))
            record = StratumRecord(id=id_, arm_count=int(entry["arms"]), parent=entry["parent"], merged=merged)
        except (KeyError, TypeError, ValueError):
            record = None
        if record is None or id_.count(".") != 3 or not records.keys() >= {*record.sources}:
            raise UsageError(f"{file} has an unreadable stratum {id_!r} in `planned`. {REWRITE_HINT}")
        records[id_] = record
    return records


def _parse_decided(file: str, decided: Mapping[str, Any]) -> dict[str, DecidedChain]:
    try:
        return parse_decided(decided)
    except ValueError as error:
        raise UsageError(f"{file} has an unreadable entry in `decided` ({error}). {REWRITE_HINT}") from error


def _read_arms(context: StageContext, keys: Sequence[str]) -> dict[str, Arm | None]:
    """Return the arm of each key, in the order of the keys; see `_read_arm`."""
    read = partial(_read_arm, context)
    if not is_remote(context.results.url):
        return {key: read(key) for key in keys}  # threads would take longer than the files
    with ThreadPoolExecutor(16) as pool:  # object storage is slow for one file, and serves many at once
        return dict(zip(keys, pool.map(read, keys), strict=True))


def _read_arm(context: StageContext, key: str) -> Arm | None:
    """Return the arm of a stage that has an outcome; None if that or its specification cannot be read."""
    try:
        stage, outcome = read_spec(context, key), read_outcome(context, key)
    except ValueError:
        return None
    return Arm(0, stage, outcome)


def _read_stopped_keys(results: Storage, name: str, files: Mapping[str, int]) -> set[str]:
    """Return the keys that this sweep's early stopping has judged; stages that another sweep stopped may go on here."""
    content = results.read(name) if name in files else None
    entries, _ = parse_whole_entries((content or b"").decode(errors="replace"))
    return {entry.key for entry in entries}
