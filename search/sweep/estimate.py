"""The best scores of a sweep, and the time left in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from search.sweep.stage_durations import BegunStage, StageDurations, StratumProgress, WorkOf
from spaces.ceilings import is_ceiling


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Seconds left in a sweep, and in each stage that has begun, by key; None where nothing tells."""

    sweep: float | None
    stages: Mapping[str, float | None] = field(default_factory=dict)


def estimate_time_left(
    strata: Iterable[StratumProgress],
    slots: int,
    begun: Mapping[str, BegunStage] | None = None,
    work_of: WorkOf = lambda stratum: 0.0,
) -> TimeLeft:
    """Estimate the time left with all `slots` busy, and at least that of the longest stage.

    `begun` are the stages that have begun and not ended, by key, and count by what is left of them. `work_of` compares
    stages of tasks of which none has ended or reported a tenth (`StageDurations`).
    """
    strata, begun = list(strata), begun or {}
    durations = StageDurations(strata, begun.values(), work_of)
    stages = {key: durations.estimate_rest(stratum, progress) for key, (stratum, progress) in begun.items()}
    begun_counts: defaultdict[int, int] = defaultdict(int)
    for stratum, _ in begun.values():
        begun_counts[id(stratum)] += 1
    left = longest = 0.0
    for stratum in strata:
        if stratum.is_settled:
            continue
        count = stratum.arm_count - len(stratum.ended_arms) - begun_counts[id(stratum)]
        if count > 0:
            seconds = durations.estimate_stage(stratum)
            if seconds is None:
                return TimeLeft(None, stages)
            left, longest = left + count * seconds, max(longest, seconds)
    for rest in stages.values():
        if rest is None:
            return TimeLeft(None, stages)
        left, longest = left + rest, max(longest, rest)
    return TimeLeft(max(left / slots, longest), stages)


def find_best_so_far(strata: Iterable[StratumProgress]) -> dict[str, tuple[str, float]]:
    """Return the task with the best mean dev score (0 to 1) of its winners, for each training set of the targets."""
    scores: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for stratum in strata:
        kind, task = stratum.kind_and_task
        winner = stratum.winner if kind == "target" and not is_ceiling(stratum.intermediate) else None
        if winner is not None and winner.outcome is not None and winner.outcome.score is not None:
            scores[task][stratum.intermediate].append(winner.outcome.score)
    best = {}
    for task, scores_by_name in scores.items():
        means = {name: sum(values) / len(values) for name, values in scores_by_name.items()}
        name = max(means, key=lambda name: means[name])
        best[task] = (name, means[name])
    return best
