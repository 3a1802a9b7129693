"""Disk that a plan needs at its worst moment and at its end: counts of files that may exist at the same time.

The board goes from wave to wave of seeds, and a stratum that has begun starts all its arms before another one starts
any. So at most as many strata are under way as stages run at once, and with them the arms whose encoders may still win.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.board.protocols import KeepPolicy
from spaces.plan import Stratum
from spaces.stage import ENCODER_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSizes:
    """Bytes of the files of stages. `checkpoint` and `outputs` are by the id of the stratum, per arm."""

    encoder: int
    checkpoint: Mapping[str, int]  # of a stage under way
    outputs: Mapping[str, int]  # kept for good: specification, scores, outcome, predictions
    shared: int  # tokenised tables and the sweep's own files
    model: int = 0  # of a fine-tuned model; 0 where none are kept


def estimate_disk_kept(plan: Sequence[Stratum], sizes: DiskSizes, keep: KeepPolicy) -> int:
    """Return the bytes at the end."""
    strata = _list_encoder_strata(plan)
    encoders = {"none": 0, "winners": len(strata), "all": sum(stratum.arm_count for stratum in strata)}[keep]
    return encoders * sizes.encoder + _count_models(plan, keep) * sizes.model + _sum_permanent_bytes(plan, sizes)


def estimate_disk_peak(
    plan: Sequence[Stratum],
    sizes: DiskSizes,
    slots: int,
    keep: KeepPolicy,
    wave_of_seed: Mapping[int, int],
    *,
    arms_wait: bool = False,
) -> int:
    """Return the bytes at the worst moment, with `slots` stages at once: an upper bound as far as the sizes are.

    Seeds of the same wave start together. With `arms_wait` arms may have to wait at a rung for the others of their
    stratum, and keep their checkpoints.
    """
    checkpoints = _sum_open_checkpoints if arms_wait else _sum_running_checkpoints
    encoders = _count_peak_encoders(plan, slots, keep, wave_of_seed) * sizes.encoder
    models = (_count_models(plan, keep) + _count_unsettled(_list_targets(plan), slots)) * sizes.model
    return encoders + models + checkpoints(plan, sizes, slots) + _sum_permanent_bytes(plan, sizes)


def _list_encoder_strata(plan: Sequence[Stratum]) -> list[Stratum]:
    return [stratum for stratum in plan if stratum.kind in ENCODER_KINDS]


def _count_peak_encoders(plan: Sequence[Stratum], slots: int, keep: KeepPolicy, wave_of_seed: Mapping[int, int]) -> int:
    """Return the largest number of encoders that may exist at once."""
    strata = _list_encoder_strata(plan)
    if keep == "all":
        return sum(stratum.arm_count for stratum in strata)
    unsettled = _count_unsettled(strata, slots)
    if keep == "winners":
        return len(strata) + unsettled
    # A parent's encoder goes with its last child. The next wave begins once every target of this one has begun.
    by_wave = Counter(wave_of_seed[stratum.seed] for stratum in strata if stratum.kind == "intermediate")
    largest = max(by_wave.values(), default=0)
    of_other_waves = min(slots, by_wave.total() - largest)
    return sum(stratum.kind == "pretrain" for stratum in strata) + largest + of_other_waves + unsettled


def _count_models(plan: Sequence[Stratum], keep: KeepPolicy) -> int:
    """Return the number of fine-tuned models at the end: of every arm, or of the best of each stratum."""
    return sum(stratum.arm_count if keep == "all" else 1 for stratum in _list_targets(plan))


def _list_targets(plan: Sequence[Stratum]) -> list[Stratum]:
    return [stratum for stratum in plan if stratum.kind == "target"]


def _count_unsettled(strata: Sequence[Stratum], slots: int) -> int:
    """Return the arms of strata under way that may be done, all but a running one: what they leave is not judged."""
    return sum(sorted((stratum.arm_count - 1 for stratum in strata), reverse=True)[:slots])


def _sum_running_checkpoints(plan: Sequence[Stratum], sizes: DiskSizes, slots: int) -> int:
    """Return the bytes of the running stages' checkpoints, each with the copy that is written to replace it."""
    arms = [sizes.checkpoint.get(stratum.id, 0) for stratum in plan for _ in range(min(stratum.arm_count, slots))]
    return 2 * sum(sorted(arms, reverse=True)[:slots])


def _sum_open_checkpoints(plan: Sequence[Stratum], sizes: DiskSizes, slots: int) -> int:
    """Return the bytes of the checkpoints of all arms of the strata under way, and of the running stages' copies."""
    size_of = sizes.checkpoint
    largest = sorted(plan, key=lambda stratum: stratum.arm_count * size_of.get(stratum.id, 0), reverse=True)[:slots]
    arms = [size_of.get(stratum.id, 0) for stratum in largest for _ in range(stratum.arm_count)]
    return sum(arms) + max(arms, default=0) * min(slots, len(arms))


def _sum_permanent_bytes(plan: Sequence[Stratum], sizes: DiskSizes) -> int:
    return sizes.shared + sum(stratum.arm_count * sizes.outputs[stratum.id] for stratum in plan)
