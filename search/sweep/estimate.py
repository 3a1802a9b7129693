"""How long a sweep has still to go, from what its ended stages took."""

from collections import defaultdict
from collections.abc import Iterable

MAX_OVERHEAD_SHARE = 0.05  # of the driver's time that may go into one thing that it does for its own sake
KindAndTask = tuple[str, str]  # kind and task of a stage


def estimate_seconds_left(
    ended: Iterable[tuple[KindAndTask, float]], waiting: Iterable[tuple[KindAndTask, int]], slots: int
) -> float | None:
    """Estimate from the mean seconds of ended stages of the same kind and task, or kind; None while there are none.

    `ended` has the seconds of each ended stage, `waiting` how many stages of a place are left.
    """
    known: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for place, seconds in ended:
        if seconds > 0:
            for near in _fallbacks_of(place)[: 1 if place[0] == "pretrain" else None]:  # it is like nothing else
                known[near].append(seconds)
    if not known:
        return None
    left = 0.0
    for place, number in waiting:
        if number:
            like = next((known[near] for near in _fallbacks_of(place) if near in known), None)
            if like is None:
                return None
            left += number * sum(like) / len(like)
    return left / slots


def _fallbacks_of(place: KindAndTask) -> tuple[tuple[str, ...], ...]:
    """What a stage's seconds say something about, from the nearest to the farthest."""
    return (place, place[:1], ())


def find_best_intermediates(winners: Iterable[tuple[str, str, float]]) -> dict[str, tuple[str, float]]:
    """For each training set: the intermediate task with the best mean score.

    `winners` are (training set, intermediate task, English dev score), one per seed.
    """
    scores: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for task, intermediate, score in winners:
        scores[task][intermediate].append(score)
    best = {}
    for task, rows in scores.items():
        means = {name: sum(values) / len(values) for name, values in rows.items()}
        name = max(means, key=lambda row: means[row])
        best[task] = (name, means[name])
    return best


def throttle_delay(taken: float, minimum: float) -> float:
    """Seconds to leave before doing again what took so many: `least`, or so long that it takes at most SHARE of them.

    What the driver does for its own sake grows with the plan.
    """
    return max(minimum, taken * (1 / MAX_OVERHEAD_SHARE - 1))


def format_duration(seconds: float) -> str:
    """Seconds as people write them: 45 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def format_bytes(number: int) -> str:
    """Bytes as people write them."""
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"
