"""Do two things go together across units, in several groups that share the units? Spearman with a permutation test."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.permutation import correlate_ranks


@dataclass(frozen=True, slots=True)
class Association:
    """The mean over `groups` of Spearman's correlation within a group, and how often chance makes it as far from 0.

    `correlation` and `p` are None where no group has three units that differ on both sides. `least` is the smallest p
    that so many units can give.
    """

    correlation: float | None
    p: float | None
    groups: int
    units: int
    min_p: float


def measure_association(x: npt.ArrayLike, y: npt.ArrayLike, rng: np.random.Generator) -> Association:
    """The association of x with y, and the p value of a two-sided permutation test.

    An order moves the units of `x` in all groups at once. What groups have in common through their units, e.g. that an
    intermediate task which helps one target helps the others, so stays in common under the null: permuting each group
    by itself would count every group as if it brought new units.

    Args:
        x: [groups, units]; a unit that is NaN in any group is left out
        y: [groups, units]; NaN leaves a unit out of its group
        rng: draws orders where there are too many to try all
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    kept = np.isfinite(x).all(axis=0) & np.isfinite(y).any(axis=0)
    found = correlate_ranks(x[:, kept].T[:, :, None], y[:, kept].T[:, :, None], rng)
    orders, groups, units = len(found.permuted_means), int(found.column_mask.sum()), int(kept.sum())
    # An order and its reverse are as far from 0. The order that was seen is one of all orders, but not of a sample.
    least = min(1.0, 2 / math.factorial(units)) if found.is_exact else 1 / orders
    if not groups:
        return Association(None, None, 0, units, least)
    return Association(float(found.correlations[found.column_mask].mean()), found.p_value(), groups, units, least)
