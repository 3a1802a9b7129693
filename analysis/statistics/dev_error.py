"""The variance of scores on a dev set: how much is due to so many examples, and how much to the seeds.

Other dev examples would give other scores, to a run and to the trivial answer; other seeds would, too. The parts are
added up. All seeds are scored on the same examples, so that further seeds make the second part smaller, not the first.
"""

from collections.abc import Sequence

import numpy as np

from analysis.statistics.moments import EPSILON, compute_moments

# Standard errors by which a run must be above the trivial answer. Two would do for one tenth; the best of ten is kept.
# Of runs at chance at most 5 in 100 are above by 2.5 of them (tests/bench/learnt.py).
LEAST_ERRORS = 2.5


def bound_variance(share: float, examples: int) -> float:
    """Return the largest variance of a mean of `examples` independent values from 0 to 1 whose mean is `share`.

    It is that of right or wrong answers (Bhatia and Davis 2000). A score by parts of an answer, such as F1 of spans,
    varies less.
    """
    mean = min(max(share, 0.0), 1.0)
    return mean * (1 - mean) / examples


def combine_variances(variances: Sequence[float]) -> float:
    """Return the variance of the mean of independent scores: of a mix, whose tasks have dev sets of their own."""
    return sum(variances) / len(variances) ** 2


def compute_seed_variance(values: Sequence[float]) -> float:
    """Return the variance of the mean over seeds; 0 with one seed, which tells none: then it is about this run only."""
    moments = compute_moments(np.asarray(values, np.float64))
    return float(moments.sd) ** 2 / len(values) if len(values) > 1 else 0.0


def is_above(difference: float, error: float) -> bool:
    """Return True if a difference is above 0 by more than LEAST_ERRORS standard errors."""
    return difference > LEAST_ERRORS * error + EPSILON
