"""Sets of arms that the seeds do not separate: a compact letter display."""

from string import ascii_letters

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, BoolArray, IntArray
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values

ArmGroups = tuple[tuple[int, ...], ...]

LETTERS = ascii_letters  # a to z, then A to Z
MAX_SETS = len(LETTERS)
MAX_LETTERS = 10  # of one arm
TOP = "top"  # label of the arms that do not differ from the best, where letters would be too many


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


def find_separated(p: npt.ArrayLike, alpha: float = ALPHA) -> BoolArray:
    """Return a mask [arms, arms] of the pairs that differ: their p value is below `alpha`. NaN: not tested."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.asarray(p, dtype=np.float64) < alpha)


def group_arms(p: npt.ArrayLike, means: npt.ArrayLike, alpha: float = ALPHA) -> ArmGroups | None:
    """Return sets of arms of which no two differ, best arm first, the set of the best arm first.

    This is a compact letter display: two arms share a set if and only if they do not differ, an arm may be in several
    sets, and no set can take another arm. That two arms share a set does not show that they are equal. To display all
    pairs takes at most one set per pair; the fewest sets are NP-hard to find (a clique cover of edges). Each set grows
    from the first pair that is in no set yet, by the arm with the most such pairs with the set (Kellerman 1973, IBM
    Tech. Discl. Bull. 16:1406): its time is polynomial, unlike that of insertion and absorption (Piepho 2004).

    Args:
        p: [arms, arms], symmetric p values of the pairs, adjusted for their number; NaN for a pair that was not tested,
            which counts as not different
        means: [arms], the order of the display; an arm with NaN is in no set
        alpha: a pair differs if its p value is below

    Returns:
        Indices of arms. None where a display takes more than MAX_SETS sets, or more than MAX_LETTERS sets of one arm:
        nobody could read it.
    """
    means = np.asarray(means, dtype=np.float64)
    order = np.argsort(-means, kind="stable")[: int(np.isfinite(means).sum())]  # NaN is sorted last
    is_compatible = ~find_separated(p, alpha)[np.ix_(order, order)]
    np.fill_diagonal(is_compatible, True)
    uncovered = is_compatible.copy()  # an arm that differs from all others is a set of its own
    set_counts = np.zeros(len(order), dtype=np.int64)
    groups: list[tuple[int, ...]] = []
    for first in range(len(order)):
        while uncovered[first].any():
            if len(groups) == MAX_SETS:
                return None
            others = uncovered[first] & (np.arange(len(order)) != first)
            members = _grow_set(first, int(others.argmax()) if others.any() else first, is_compatible, uncovered)
            uncovered[np.ix_(members, members)] = False
            set_counts[members] += 1
            groups.append(tuple(members.tolist()))
    if len(order) and set_counts.max() > MAX_LETTERS:
        return None
    return tuple(tuple(int(order[arm]) for arm in arms) for arms in sorted(groups))


def _grow_set(first: int, second: int, is_compatible: BoolArray, uncovered: BoolArray) -> IntArray:
    """Return the sorted members of a largest set around two arms; it takes the arms with the most uncovered pairs."""
    members = [first] if first == second else [first, second]
    candidates = np.asarray(is_compatible[members].all(axis=0))
    candidates[members] = False
    gains = uncovered[members].sum(axis=0)
    while candidates.any():
        arm = int(np.where(candidates, gains, -1).argmax())
        members.append(arm)
        candidates &= is_compatible[arm]
        candidates[arm] = False
        gains += uncovered[arm]
    return np.sort(np.array(members))


def label_arms(p: npt.ArrayLike, means: npt.ArrayLike, alpha: float = ALPHA) -> tuple[str, ...]:
    """Return a label per arm: the letters of its sets, or `TOP` for arms that do not differ from the best.

    With `group_arms` two arms share a letter if and only if they do not differ. Where that takes too many letters, the
    arms that do not differ from the one with the best mean have the label TOP instead, and the others have none.
    """
    groups, means = group_arms(p, means, alpha), np.asarray(means, dtype=np.float64)
    if groups is not None:
        return assign_letters(groups, len(means))
    separated = find_separated(p, alpha)[int(np.nanargmax(means))]
    return tuple(TOP if np.isfinite(mean) and not apart else "" for mean, apart in zip(means, separated, strict=True))


def assign_letters(groups: ArmGroups, arms: int) -> tuple[str, ...]:
    """Return the sets of each arm as letters, `a` for the first set. Arms with a common letter do not differ."""
    letters = [""] * arms
    for letter, group in zip(LETTERS, groups, strict=False):
        for arm in group:
            letters[arm] += letter
    return tuple(letters)
