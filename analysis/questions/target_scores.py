"""Scores of a target by chain and seed: test scores where no language is missing, and English dev."""

from collections.abc import Sequence

import numpy as np

from analysis.scores.choose import select_winners
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, compute_column


def compute_complete_scores(transfer: Transfer, target: str, array: Array) -> Array:
    """Return a target's mean over languages, NaN where a language is missing: the first axis of `array` x seeds.

    Args:
        transfer: what the axes are of
        target: one of its targets
        array: scores or gains, chains x targets x languages x seeds
    """
    points = compute_column(transfer, TransferColumn(name=target, targets=(target,)), array)
    return np.where(points.parts == points.of_parts, points.values, np.nan)


def collect_dev_scores(transfer: Transfer, candidates: Sequence[str]) -> Array:
    """Return English dev of the runs that count in points, candidates x targets x seeds."""
    dev = np.full((len(candidates), len(transfer.targets), len(transfer.seeds)), np.nan)
    runs = select_winners(transfer.runs).select(*CELL_COLUMNS, "dev").drop_nulls("dev")
    for name, target, seed, value in runs.iter_rows():
        if name in candidates:
            cell = candidates.index(name), transfer.targets.index(target), transfer.seeds.index(seed)
            dev[cell] = value * POINTS_PER_SHARE
    return dev
