"""The best scores and the time left of a sweep, from the stages that have ended."""

from collections import defaultdict
from collections.abc import Iterable

from search.board.arms import StratumState
from search.sweep.sweep_state import StratumRecord
from spaces.ceilings import is_ceiling

KindAndTask = tuple[str, str]  # kind and task of a stage
StratumProgress = StratumState | StratumRecord  # the board's, or read from disk


def estimate_time_left(strata: Iterable[StratumProgress], slots: int) -> float | None:
    """Estimate the seconds left from the mean seconds of similar stages; None while there are none.

    Similar stages have the same kind and task, or else the same kind; where no stage of that kind has ended, all but
    pretraining count.
    """
    known: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    waiting: list[tuple[KindAndTask, int]] = []
    for stratum in strata:
        for arm in stratum.ended_arms:
            if arm.outcome is not None and arm.outcome.seconds > 0:
                groups = _groups_of(stratum.kind_and_task)
                for group in groups[:1] if stratum.kind_and_task[0] == "pretrain" else groups:
                    known[group].append(arm.outcome.seconds)
        if not stratum.is_settled:
            waiting.append((stratum.kind_and_task, stratum.arm_count - len(stratum.ended_arms)))
    if not known:
        return None
    left = 0.0
    for kind_and_task, count in waiting:
        if count:
            similar = next((known[group] for group in _groups_of(kind_and_task) if group in known), None)
            if similar is None:
                return None
            left += count * sum(similar) / len(similar)
    return left / slots


def _groups_of(kind_and_task: KindAndTask) -> tuple[tuple[str, ...], ...]:
    """Return the groups of similar stages that a stage belongs to, most similar first."""
    return (kind_and_task, kind_and_task[:1], ())


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
