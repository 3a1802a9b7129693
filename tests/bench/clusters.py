"""Do intervals over seeds and test items hold the truth where items come in clusters? Simulated gains, truth known.

    python tests/bench/clusters.py
    python tests/bench/clusters.py --worlds 4000 --seed 1

A test set has as many clusters as a real one, with the sizes of the real ones: premises with three hypotheses,
paragraphs with one to ten questions, contexts with one or two. The gain of an item varies by 40 points over items, and
by 30 more at each seed. A share of both variances (the correlation within a cluster) is common to all items of a
cluster; the rest is the item's own. All items are scored at three seeds, which vary by 0.5 points. Prints the share of
95 % intervals that hold the truth, with its standard error, and their mean width: over seeds alone, with items as
independent, and with clusters.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from parts import row, run_parts

from analysis.statistics.interval import compute_intervals
from analysis.statistics.item_errors import ItemParts, estimate_covariance, sum_by_cluster
from analysis.statistics.moments import Array, IntArray

Generator = np.random.Generator
SEEDS, SEED_SD = 3, 0.5  # points over seeds
ITEM_SD, BOTH_SD = 40.0, 30.0  # points by which single items' gains vary, and vary by seed
SHARES = (0.0, 0.1, 0.3, 1.0)  # correlations within a cluster

TEST_SETS = {  # sizes of the clusters
    "1,670 x 3": np.full(1_670, 3),
    "240 x 1-10": np.random.default_rng(0).choice(
        np.arange(1, 11), 240, p=np.r_[[0.02, 0.02, 0.1, 0.2, 0.52], [0.028] * 5]
    ),
    "978 x 1-2": np.repeat([1, 2], [808, 170]),
    "20 x 5": np.full(20, 5),
}


def draw_gains(rng: Generator, clusters: IntArray, share: float) -> Array:
    """Return gains [seeds, items] in points; the true gain is 0."""
    total = rng.normal(0, SEED_SD, (SEEDS, 1)) * np.ones(len(clusters))
    for sd, rows in ((ITEM_SD, 1), (BOTH_SD, SEEDS)):
        common = rng.normal(size=(rows, int(clusters.max()) + 1))[:, clusters]
        total += sd * (np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=(rows, len(clusters))))
    return np.asarray(total)


def estimate_variance(gains: Array, clusters: IntArray) -> float:
    """Return the squared standard error of the mean gain over new clusters."""
    moved = (gains - gains.mean(axis=1, keepdims=True))[None] / len(clusters)
    parts = ItemParts(moved, np.ones_like(moved), (0, len(clusters)), clusters)
    sums = sum_by_cluster(parts, moved, np.ones((1, SEEDS, 1)))
    return float(estimate_covariance(sums, np.ones((1, SEEDS)))[0, 0])


def coverage(rng: Generator, worlds: int) -> None:
    row("", "", "seeds alone", "", "", "items", "", "", "clusters", "", "", width=10)
    row("clusters", "within", *("held", "+-", "width") * 3, width=10)
    for name, sizes in TEST_SETS.items():
        clusters = np.repeat(np.arange(len(sizes)), sizes)
        for share in SHARES:
            bounds = []
            for _ in range(worlds):
                gains = draw_gains(rng, clusters, share)
                variances = (
                    0.0,
                    estimate_variance(gains, np.arange(len(clusters))),
                    estimate_variance(gains, clusters),
                )
                bounds.append(
                    compute_intervals(np.broadcast_to(gains.mean(axis=1), (3, SEEDS)), item_variance=variances)
                )
            low, high = np.moveaxis(np.array(bounds), -1, 0)
            held, widths = ((low <= 0) & (high >= 0)).mean(axis=0), (high - low).mean(axis=0)
            cells = [
                x for p, width in zip(held, widths, strict=True) for x in (p, np.sqrt(p * (1 - p) / worlds), width)
            ]
            row(name, share, *map(float, cells), width=10)


if __name__ == "__main__":
    run_parts(__doc__, {"coverage": coverage}, worlds=2_000, of="tables")
