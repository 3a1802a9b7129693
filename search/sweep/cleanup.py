"""What in a results folder nobody needs any more, or could be made again: for search/clean.py and the start of a run.

Names come from the listing of the results and from nowhere else. What another sweep in the same results still needs is
never named.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from search.board.keep import KeepPolicy
from search.sweep.disk import quarantine_root_of, stage_of, temporary_root_of
from search.sweep.sweep_state import StratumRecord, SweepState
from trainables.record.context import CHECKPOINT, ENCODER, LOCK
from trainables.storage.base import LockedError, Storage

ENCODER_KINDS = ("pretrain", "intermediate")  # kinds of stages that leave encoders


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupGroup:
    """Things of one kind: files or folders by name, with what is in them. `flag` is what allows to remove them."""

    description: str
    names: tuple[str, ...]
    file_count: int
    size: int
    flag: str | None = None
    note: str = ""


def find_leftovers(states: Sequence[SweepState], scope: Collection[str], keep: KeepPolicy) -> list[CleanupGroup]:
    """All heaps, also those that a flag must allow. `states` are all sweeps of the results, `scope` those to clean."""
    files = states[0].files
    named = {key for state in states for key in state.stratum_by_key}
    own = {key for state in states if state.name in scope for key in state.stratum_by_key}
    heaps: defaultdict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    needed = _find_needed_encoders(states, "all" if keep == "all" else "winners")
    bare = _find_needed_encoders(states, keep)
    busy = _find_unsettled(states)
    for name, size in files.items():
        key, parts = stage_of(name), name.split("/")
        if key is not None and key not in named:
            heaps["foreign"]["/".join(parts[:2])].append(size)
        elif (root := temporary_root_of(name)) is not None:
            heaps["temporary"][root].append(size)
        elif (root := quarantine_root_of(name)) is not None:
            heaps["set aside"][root].append(size)
        elif parts[0] == "encoded":
            heaps["tables"]["/".join(parts[:2])].append(size)
        elif key in own and parts[2] == CHECKPOINT and key not in busy:
            heaps["checkpoints"][name].append(size)
        elif key in own and parts[2] == ENCODER and key not in bare and keep != "all":
            heaps["winners" if key in needed else "losers"]["/".join(parts[:3])].append(size)
    return [
        CleanupGroup(
            description=what,
            names=tuple(sorted(heaps[which])),
            file_count=sum(len(sizes) for sizes in heaps[which].values()),
            size=sum(sum(sizes) for sizes in heaps[which].values()),
            flag=flag,
            note=note,
        )
        for which, what, flag, note in _GROUP_DEFINITIONS
        if heaps[which]
    ]


_GROUP_DEFINITIONS = (
    ("temporary", "temporary files of killed processes", None, ""),
    ("checkpoints", "checkpoints of stages that have ended", None, ""),
    ("losers", "encoders that nothing starts from", None, ""),
    ("winners", "encoders of winners", None, "a sweep that gets new targets must train these stages again"),
    ("set aside", "damaged or reopened files that were set aside", "--damaged", "look at them first"),
    ("tables", "tokenised tables", "--tables", "the next run that needs them makes them again"),
    ("foreign", "folders of stages that no sweep here names", "--foreign", "a later sweep could have found them done"),
)


def _find_needed_encoders(states: Iterable[SweepState], keep: KeepPolicy) -> set[str]:
    """Keys whose encoders a sweep keeps under the rule `keep`, or still needs."""
    found: set[str] = set()
    for state in states:
        waited = {group.parent for group in state.records.values() if not group.is_settled}
        for group in state.records.values():
            if group.kind_and_task[0] not in ENCODER_KINDS:
                continue
            if keep == "all" or not group.is_settled:  # any arm may still win
                found |= _keys_of(state, group)
            elif group.winner is not None and (keep == "winners" or group.id in waited):
                found.add(group.winner.stage.key)
    return found


def _find_unsettled(states: Iterable[SweepState]) -> set[str]:
    """Keys of stages that a sweep may still go on with."""
    return {
        key
        for state in states
        for group in state.records.values()
        if not group.is_settled
        for key in _keys_of(state, group) - {arm.stage.key for arm in group.ended_arms}
    }


def _keys_of(state: SweepState, group: StratumRecord) -> set[str]:
    return {key for key, stratum in state.stratum_by_key.items() if stratum == group.id}


def remove(results: Storage, names: Iterable[str]) -> list[str]:
    """Remove files and folders; returns those that stay, since a process that outlived its driver is at work there."""
    stay = []
    for name in names:
        try:
            lock = results.lock(guard) if (guard := _lock_name_of(name)) and results.has(guard) else None
        except LockedError:
            stay.append(name)
            continue
        results.remove(name)
        if lock is not None:
            with suppress(OSError):  # of a folder that went with its lock
                lock.release()
    return stay


def _lock_name_of(name: str) -> str | None:
    """The lock of the stage or table that a name belongs to."""
    parts = name.split("/")
    if parts[0] == "stages":
        return f"stages/{parts[1]}/{LOCK}"
    if parts[0] == "encoded":
        return f"encoded/{parts[1].lstrip('.').partition('.')[0]}.lock"
    return None


def find_temporaries(files: Mapping[str, int]) -> list[str]:
    """Temporary files and folders, whole."""
    return sorted({root for name in files if (root := temporary_root_of(name)) is not None})
