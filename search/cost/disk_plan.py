"""How much disk a plan needs at its worst moment, and at its end: counts of files that may be there at the same time.

The board goes from wave to wave of seeds, and a stratum that has begun gives all its arms before another one gives any.
So at most as many strata are under way as stages run at once, and with them the arms whose encoders may still win.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.board.protocols import KeepPolicy
from spaces.plan import Stratum


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSizes:
    """Bytes of what stages leave. `checkpoint` and `small` are by the id of the stratum, per arm."""

    encoder: int
    checkpoint: Mapping[str, int]  # of a stage under way
    outputs: Mapping[str, int]  # what stays for good: specification, scores, outcome, predictions
    shared: int  # tokenised tables and the sweep's own files


def estimate_disk_kept(plan: Sequence[Stratum], sizes: DiskSizes, keep: KeepPolicy) -> int:
    """Bytes at the end."""
    makers = _list_encoder_strata(plan)
    encoders = {
        "none": 0,
        "winners": len(makers),
        "all": sum(stratum.arm_count for stratum in makers),
    }[keep]
    return encoders * sizes.encoder + _sum_permanent_bytes(plan, sizes)


def estimate_disk_peak(
    plan: Sequence[Stratum],
    sizes: DiskSizes,
    slots: int,
    keep: KeepPolicy,
    wave_of_seed: Mapping[int, int],
    *,
    arms_wait: bool = False,
) -> int:
    """Bytes at the worst moment, with `slots` stages at once; an upper bound as far as `sizes` are.

    `together` is the wave of each seed: those of a wave start together. `waiting` says that arms may have to wait at a
    rung for the others of their stratum.
    """
    checkpoints = (
        _sum_open_checkpoints(plan, sizes, slots) if arms_wait else _sum_running_checkpoints(plan, sizes, slots)
    )
    return (
        _count_peak_encoders(plan, slots, keep, wave_of_seed) * sizes.encoder
        + checkpoints
        + _sum_permanent_bytes(plan, sizes)
    )


def _list_encoder_strata(plan: Sequence[Stratum]) -> list[Stratum]:
    """Strata whose arms leave encoders."""
    return [stratum for stratum in plan if stratum.kind in ("pretrain", "intermediate")]


def _count_peak_encoders(plan: Sequence[Stratum], slots: int, keep: KeepPolicy, together: Mapping[int, int]) -> int:
    """Encoders that may be there at once."""
    makers = _list_encoder_strata(plan)
    if keep == "all":
        return sum(stratum.arm_count for stratum in makers)
    # Of each stratum under way all arms may be done but one that runs: they stay until it is settled.
    under_way = sorted((stratum.arm_count - 1 for stratum in makers), reverse=True)[:slots]
    if keep == "winners":
        return len(makers) + sum(under_way)
    # A parent goes with its last child. The next wave begins when every target of this one has at least begun.
    in_waves = Counter(together[stratum.seed] for stratum in makers if stratum.kind == "intermediate")
    most = max(in_waves.values(), default=0)
    before = min(slots, in_waves.total() - most)
    return sum(stratum.kind == "pretrain" for stratum in makers) + most + before + sum(under_way)


def _sum_running_checkpoints(plan: Sequence[Stratum], sizes: DiskSizes, slots: int) -> int:
    """Checkpoints of the stages under way, each with the copy that is being written to replace it."""
    arms = [sizes.checkpoint.get(stratum.id, 0) for stratum in plan for _ in range(min(stratum.arm_count, slots))]
    return 2 * sum(sorted(arms, reverse=True)[:slots])


def _sum_open_checkpoints(plan: Sequence[Stratum], sizes: DiskSizes, slots: int) -> int:
    """Checkpoints of all arms of the strata under way, and the copies that replace those of the stages that run."""
    largest = sorted(plan, key=lambda stratum: stratum.arm_count * sizes.checkpoint.get(stratum.id, 0), reverse=True)[
        :slots
    ]
    arms = [sizes.checkpoint.get(stratum.id, 0) for stratum in largest for _ in range(stratum.arm_count)]
    return sum(arms) + max(arms, default=0) * min(slots, len(arms))


def _sum_permanent_bytes(plan: Sequence[Stratum], sizes: DiskSizes) -> int:
    return sizes.shared + sum(stratum.arm_count * sizes.outputs[stratum.id] for stratum in plan)
