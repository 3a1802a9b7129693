"""Sets of arms that the seeds do not separate: a compact letter display."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values

ArmGroups = tuple[tuple[int, ...], ...]


def compute_pairwise_p(values: npt.ArrayLike, item_covariance: npt.ArrayLike = 0.0) -> Array:
    """Return the p values [arms, arms] of all pairs of arms, paired by seed and adjusted by Holm over the pairs.

    They are NaN for a pair with too few common seeds, and on the diagonal. `values` are [arms, seeds], NaN where
    missing; `item_covariance` [arms, arms] is that of the errors that the choice of test items leaves in the means.
    """
    values = np.asarray(values, dtype=np.float64)
    matrix = np.full((len(values), len(values)), np.nan)
    first, second = np.triu_indices(len(values), k=1)
    covariance = np.broadcast_to(item_covariance, matrix.shape)
    item_variance = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    p = adjust_p_values(compute_p_values(values[first] - values[second], np.maximum(item_variance, 0.0)))
    matrix[first, second] = matrix[second, first] = p
    return matrix


def group_arms(values: npt.ArrayLike, alpha: float = ALPHA, item_covariance: npt.ArrayLike = 0.0) -> ArmGroups:
    """Return the largest sets of arms of which no two differ, best arm first, the set of the best arm first.

    An arm may be in several sets. By insertion and absorption (Piepho 2004, J. Comput. Graph. Stat. 13:456): start
    with one set of all arms; each pair that differs splits every set that holds both; a set inside another is dropped.
    Two arms in one set are not shown to be equal.

    Args:
        values: [arms, seeds], NaN where missing; an arm without a value is in no set, and a pair with too few common
            seeds does not differ
        alpha: a pair differs if its p value (`compute_pairwise_p`) is below
        item_covariance: as in `compute_pairwise_p`
    """
    p, mean = compute_pairwise_p(values, item_covariance), compute_moments(values).mean
    order = [int(arm) for arm in np.argsort(-mean, kind="stable") if np.isfinite(mean[arm])]
    sets = [frozenset(order)] if order else []
    for first, second in combinations(order, 2):
        if p[first, second] < alpha:
            split = dict.fromkeys(part for arms in sets for part in _split_set(arms, first, second))
            sets = [part for part in split if not any(part < larger for larger in split)]
    position = {arm: i for i, arm in enumerate(order)}
    groups = (tuple(sorted(arms, key=position.__getitem__)) for arms in sets)
    return tuple(sorted(groups, key=lambda arms: [position[arm] for arm in arms]))


def assign_letters(groups: ArmGroups, arms: int) -> tuple[str, ...]:
    """Return the sets of each arm as letters, `a` for the first set. Arms with a common letter are not separated.

    After the end of the alphabet a set is written as its number in brackets.
    """
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    marks = [alphabet[i] if i < len(alphabet) else f"({i + 1})" for i in range(len(groups))]
    return tuple(
        "".join(mark for mark, group in zip(marks, groups, strict=True) if arm in group) for arm in range(arms)
    )


def _split_set(arms: frozenset[int], first: int, second: int) -> tuple[frozenset[int], ...]:
    return (arms - {second}, arms - {first}) if first in arms and second in arms else (arms,)
