"""Association of two quantities across units, in groups that share the units: Spearman with a permutation test."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array
from analysis.statistics.permutation import correlate_ranks


@dataclass(frozen=True, slots=True)
class Association:
    """The mean over `groups` of Spearman's correlation within a group, with its permutation p value.

    `correlation` and `p` are None where no group has three units that differ on both sides. `min_p` is the smallest p
    that this number of units can give. `permuted` are the correlations under the permutations.
    """

    correlation: float | None
    p: float | None
    groups: int
    units: int
    min_p: float
    permuted: Array = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)


def measure_association(x: npt.ArrayLike, y: npt.ArrayLike, rng: np.random.Generator) -> Association:
    """Return the association of x with y, [groups, units] each, and the p value of a two-sided permutation test.

    A permutation moves the units of `x` in all groups at once. Groups may be alike through their units: an
    intermediate task that helps one target often helps the others. This stays so under the null hypothesis; permuting
    each group by itself would count every group as if it had new units. A unit that is NaN in any group of `x` is
    excluded; NaN in `y` excludes it from its group. `rng` draws permutations where there are too many to try all.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    included = np.isfinite(x).all(axis=0) & np.isfinite(y).any(axis=0)
    ranks = correlate_ranks(x[:, included].T[:, :, None], y[:, included].T[:, :, None], rng)
    permutations, groups, units = len(ranks.permuted_means), int(ranks.column_mask.sum()), int(included.sum())
    # A permutation and its reverse are equally far from 0. The observed order is one of all, but not of a sample.
    min_p = min(1.0, 2 / math.factorial(units)) if ranks.is_exact else 1 / permutations
    if not groups:
        return Association(None, None, 0, units, min_p)
    correlation, permuted = (
        each[..., ranks.column_mask].mean(axis=-1) for each in (ranks.correlations[:, 0], ranks.permuted_means)
    )
    return Association(float(correlation), ranks.p_value(), groups, units, min_p, permuted)
