"""Several orders of the same candidates made into one."""

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array
from analysis.statistics.ranks import rank_values

RANK_CONSTANT = 60.0  # Cormack, Clarke and Buettcher 2009: how little the first places count beyond the next


def fuse_ranks(components: npt.ArrayLike) -> Array:
    """Reciprocal rank fusion: the sum over components of 1 / (60 + rank), greater for what is ranked higher.

    A component that lacks a number which another one has says nothing of that order, and is left out of it: so all
    candidates are ranked by the same components.

    Args:
        components: [components, ..., candidates], greater is better; NaN for a hole

    Returns:
        [..., candidates]; NaN where no component has a number.
    """
    components = np.asarray(components, dtype=np.float64)
    there = np.isfinite(components)
    wanted = there.any(axis=0)
    whole = (there == wanted).all(axis=-1, keepdims=True)
    parts = np.where(whole & there, 1 / (RANK_CONSTANT + rank_values(components)), 0.0)
    return np.where(wanted & whole.any(axis=0), parts.sum(axis=0), np.nan)
