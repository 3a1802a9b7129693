"""Which arms are worth their cost?"""

import numpy as np
import numpy.typing as npt


def find_pareto_front(cost: npt.ArrayLike, gain: npt.ArrayLike) -> tuple[int, ...]:
    """The arms that no other arm beats: none costs less without gaining less, or gains more without costing more.

    Args:
        cost: [arms], e.g. GPU-hours
        gain: [arms], points; an arm that is NaN in either is left out

    Returns:
        Places of the arms, the cheapest first. Arms that are equal in both are all in it, or none is.
    """
    cost, gain = np.asarray(cost, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    there = np.isfinite(cost) & np.isfinite(gain)
    cheaper, dearer = cost[:, None] <= cost, cost[:, None] < cost
    better, more = gain[:, None] >= gain, gain[:, None] > gain
    beaten = (cheaper & better & (dearer | more) & there[:, None]).any(axis=0)
    kept = np.flatnonzero(there & ~beaten)
    return tuple(int(arm) for arm in kept[np.lexsort((-gain[kept], cost[kept]))])
