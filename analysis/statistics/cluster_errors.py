"""The error of a mean over clusters that stand for others like them: languages in families, or targets.

The variance is that of Bell and McCaffrey 2002 (bias-reduced linearisation, "CR2"; Survey Methodology 28:169), with
their degrees of freedom by Satterthwaite, which fall where clusters are few or unequal. For one cell a cluster it is
the variance of a plain mean, with n - 1 degrees of freedom. What cells of one cluster share is in it, however strong.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array

MIN_CLUSTERS = 2


@dataclass(frozen=True, slots=True)
class ClusterErrors:
    """Means over strata of the means of their cells, and their variances over new clusters: [rows] each."""

    mean: Array
    variance: Array  # NaN with fewer than MIN_CLUSTERS clusters
    freedom: float  # NaN like the variance, and where no stratum has two clusters
    cluster_count: int


def estimate_cluster_errors(values: npt.ArrayLike, strata: npt.ArrayLike, clusters: npt.ArrayLike) -> ClusterErrors:
    """Return the errors of means over new clusters.

    Strata (e.g. targets) are fixed and count alike, clusters (e.g. families of languages) are the sample. Raise
    ValueError without a cell.

    Args:
        values: [rows, cells] points, all finite
        strata: [cells] codes
        clusters: [cells] codes
    """
    y = np.asarray(values, dtype=np.float64)
    if not y.shape[-1]:
        raise ValueError("An error over clusters needs cells, got none.")
    stratum, cluster = (np.unique(np.asarray(codes), return_inverse=True)[1] for codes in (strata, clusters))
    shape = int(stratum.max()) + 1, int(cluster.max()) + 1
    members = np.zeros((y.shape[-1], *shape))
    members[np.arange(y.shape[-1]), stratum, cluster] = 1
    counts = members.sum(axis=0)  # strata x clusters
    sizes = counts.sum(axis=1, keepdims=True)
    sums = np.tensordot(y, members, axes=1)  # rows x strata x clusters
    means = sums.sum(axis=-1, keepdims=True) / sizes
    mean = means[..., 0].mean(axis=-1)
    if shape[1] < MIN_CLUSTERS:
        return ClusterErrors(mean, np.full(len(y), np.nan), np.nan, shape[1])
    # A cluster's own cells pull the mean of their stratum towards themselves; dividing by the root of the share of
    # the other clusters undoes that. A stratum with one cluster alone has no deviation from its mean.
    others = 1 - counts / sizes
    scale = np.divide(1, np.sqrt(others), out=np.zeros(shape), where=others > EPSILON) / (shape[0] * sizes)
    parts = (scale * (sums - counts * means)).sum(axis=1)  # rows x clusters
    weighted = scale * counts
    products = np.diag((scale * weighted).sum(axis=0)) - weighted.T @ (weighted / sizes)
    total, squares = np.trace(products), (products**2).sum()  # sums of its eigenvalues and of their squares
    freedom = float(total**2 / squares) if squares > EPSILON**2 else np.nan
    return ClusterErrors(mean, (parts**2).sum(axis=-1), freedom, shape[1])
