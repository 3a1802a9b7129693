"""Sets of arms that the seeds cannot tell apart: a compact letter display."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values

ArmGroups = tuple[tuple[int, ...], ...]


def compute_pairwise_p(values: npt.ArrayLike, item_covariance: npt.ArrayLike = 0.0) -> Array:
    """The p values of all pairs of arms, paired by seed and adjusted by Holm over the pairs.

    Args:
        values: [arms, seeds], NaN for a hole
        items: [arms, arms], covariance of the errors that the choice of test items leaves in the means

    Returns:
        [arms, arms], symmetric; NaN for a pair with too few common seeds, and on the diagonal.
    """
    values = np.asarray(values, dtype=np.float64)
    matrix = np.full((len(values), len(values)), np.nan)
    one, other = np.triu_indices(len(values), k=1)
    shared = np.broadcast_to(item_covariance, matrix.shape)
    apart = np.maximum(shared[one, one] + shared[other, other] - 2 * shared[one, other], 0.0)
    matrix[one, other] = matrix[other, one] = adjust_p_values(compute_p_values(values[one] - values[other], apart))
    return matrix


def group_arms(values: npt.ArrayLike, alpha: float = ALPHA, item_covariance: npt.ArrayLike = 0.0) -> ArmGroups:
    """The largest sets of arms of which no two differ, the set of the best arm first, the best arm of each first.

    An arm may be in several. By insertion and absorption (Piepho 2004, J. Comput. Graph. Stat. 13:456): start with
    one set of all; each pair that differs splits the sets that hold both; a set inside another is dropped. That two
    arms share a set does not show that they are equal.

    Args:
        values: [arms, seeds], NaN for a hole; an arm without a value is in no set, a pair with too few common seeds
            does not differ
        alpha: a pair differs if its `pairwise` p value is below
        items: as in `pairwise`
    """
    p, mean = compute_pairwise_p(values, item_covariance), compute_moments(values).mean
    order = [int(arm) for arm in np.argsort(-mean, kind="stable") if np.isfinite(mean[arm])]
    sets = [frozenset(order)] if order else []
    for one, other in combinations(order, 2):
        if p[one, other] < alpha:
            split = [piece for held in sets for piece in _split_set(held, one, other)]
            distinct = list(dict.fromkeys(split))
            sets = [piece for piece in distinct if not any(piece < larger for larger in distinct)]
    place = {arm: number for number, arm in enumerate(order)}
    return tuple(
        sorted((tuple(sorted(held, key=place.__getitem__)) for held in sets), key=lambda arms: _sort_key(arms, place))
    )


def assign_letters(found: ArmGroups, arms: int) -> tuple[str, ...]:
    """The sets of each arm as letters, `a` for the first set; arms with a common letter cannot be told apart.

    What comes after the alphabet has its number in brackets.
    """
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    marks = [alphabet[place] if place < len(alphabet) else f"({place + 1})" for place in range(len(found))]
    return tuple("".join(mark for mark, held in zip(marks, found, strict=True) if arm in held) for arm in range(arms))


def _split_set(held: frozenset[int], one: int, other: int) -> Sequence[frozenset[int]]:
    return (held - {other}, held - {one}) if one in held and other in held else (held,)


def _sort_key(arms: Sequence[int], place: dict[int, int]) -> list[int]:
    return [place[arm] for arm in arms]
