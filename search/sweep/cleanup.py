"""Files in a results folder that nobody needs, or that can be made again: for search/clean.py and the start of a run.

Names are taken from the listing of the results and from nowhere else. Files that another sweep in the same results
still needs are never among them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from search.board.protocols import KeepPolicy
from search.sweep.disk import quarantine_root_of, stage_of, temporary_root_of
from search.sweep.sweep_state import StratumRecord, SweepState
from spaces.probe_columns import PREVIEW_FILE
from spaces.stage import ENCODER_KINDS
from trainables.record.context import CHECKPOINT, ENCODER, LOCK, MODEL
from trainables.storage.base import LockedError, Storage


@dataclass(frozen=True, slots=True)
class CleanupGroup:
    """Files and folders of one kind, by name, with their bytes. `flag` is the flag that allows to remove them."""

    names: tuple[str, ...]
    size: int
    description: str
    flag: str | None
    note: str


# group -> description, flag, note
_GROUPS: Mapping[str, tuple[str, str | None, str]] = {
    "temporary": ("temporary files of killed processes", None, ""),
    "checkpoints": ("checkpoints of stages that have ended", None, ""),
    "losers": ("encoders that no stage will start from", None, ""),
    "winners": ("encoders of winners", None, "a sweep that gets new targets must train these stages again"),
    "previews": ("checkpoints of phases that a preview began", "--previews", "a sweep begins these phases again"),
    "models": ("fine-tuned models", "--models", "winner.py --target needs them"),
    "quarantined": ("damaged or reopened files that were moved aside", "--damaged", "look at them first"),
    "tables": ("tokenised tables", "--tables", "the next run that needs them makes them again"),
    "foreign": ("folders of stages that no sweep here refers to", "--foreign", "a later sweep could reuse them"),
}


def find_leftovers(sweeps: Sequence[SweepState], scope: Collection[str], keep: KeepPolicy) -> list[CleanupGroup]:
    """Return all groups, also those that need a flag. `sweeps` are all in the results, `scope` names those to clean."""
    known = {key for sweep in sweeps for key in sweep.stratum_by_key}
    own = {key for sweep in sweeps if sweep.name in scope for key in sweep.stratum_by_key}
    needed = _find_needed_encoders(sweeps, "all" if keep == "all" else "winners")
    kept = _find_needed_encoders(sweeps, keep)
    unsettled, wanted = _find_unsettled(sweeps), _find_unsettled(sweep for sweep in sweeps if sweep.name not in scope)
    files = sweeps[0].files
    groups: dict[str, defaultdict[str, int]] = {name: defaultdict(int) for name in _GROUPS}
    for name, size in files.items():
        key, parts = stage_of(name), name.split("/")
        if key is not None and key not in known:
            groups["foreign"]["/".join(parts[:2])] += size
        elif (root := temporary_root_of(name)) is not None:
            groups["temporary"][root] += size
        elif (root := quarantine_root_of(name)) is not None:
            groups["quarantined"][root] += size
        elif parts[0] == "encoded":
            groups["tables"]["/".join(parts[:2])] += size
        elif key in own and parts[2] == CHECKPOINT and key not in unsettled:
            groups["checkpoints"]["/".join(parts[:3])] += size
        elif key in own - wanted and parts[2] == CHECKPOINT and f"stages/{key}/{PREVIEW_FILE}" in files:
            groups["previews"]["/".join(parts[:3])] += size
        elif key in own and parts[2] == MODEL:
            groups["models"]["/".join(parts[:3])] += size
        elif key in own and parts[2] == ENCODER and key not in kept and keep != "all":
            groups["winners" if key in needed else "losers"]["/".join(parts[:3])] += size
    return [
        CleanupGroup(tuple(sorted(sizes)), sum(sizes.values()), *_GROUPS[name])
        for name, sizes in groups.items()
        if sizes
    ]


def _find_needed_encoders(sweeps: Iterable[SweepState], keep: KeepPolicy) -> set[str]:
    """Return the keys whose encoders any sweep keeps under a policy, or still needs."""
    needed: set[str] = set()
    for sweep in sweeps:
        waiting_parents = {
            source for record in sweep.records.values() if not record.is_settled for source in record.sources
        }
        for record in sweep.records.values():
            if record.kind_and_task[0] not in ENCODER_KINDS:
                continue
            if keep == "all" or not record.is_settled:  # any arm may still win
                needed |= _keys_of(sweep, record)
            elif record.winner is not None and (keep == "winners" or record.id in waiting_parents):
                needed.add(record.winner.stage.key)
    return needed


def _find_unsettled(sweeps: Iterable[SweepState]) -> set[str]:
    """Return the keys of stages that any sweep may still continue."""
    return {
        key
        for sweep in sweeps
        for record in sweep.records.values()
        if not record.is_settled
        for key in _keys_of(sweep, record) - {arm.stage.key for arm in record.ended_arms}
    }


def _keys_of(sweep: SweepState, record: StratumRecord) -> set[str]:
    return {key for key, stratum in sweep.stratum_by_key.items() if stratum == record.id}


def remove(results: Storage, names: Iterable[str]) -> list[str]:
    """Remove files and folders; returns those that stay, since a process that outlived its driver has them locked."""
    locked = []
    for name in names:
        try:
            lock = results.lock(lock_name) if (lock_name := _lock_name_of(name)) and results.has(lock_name) else None
        except LockedError:
            locked.append(name)
            continue
        results.remove(name)
        if lock is not None:
            with suppress(OSError):  # the lock may be in the removed folder
                lock.release()
    return locked


def _lock_name_of(name: str) -> str | None:
    """Return the name of the lock of the stage or table that a file belongs to."""
    parts = name.split("/")
    if parts[0] == "stages":
        return f"stages/{parts[1]}/{LOCK}"
    if parts[0] == "encoded":
        return f"encoded/{parts[1].lstrip('.').partition('.')[0]}.lock"
    return None


def find_temporaries(files: Iterable[str]) -> list[str]:
    """Return the temporary files and folders that files belong to, sorted, each once."""
    return sorted({root for name in files if (root := temporary_root_of(name)) is not None})
