"""Scores of a target by chain and seed: test scores where no language is missing, and English dev."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from analysis.scores.choose import average_metrics, list_metrics, resolve_official_metrics, select_winners
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.language import ENGLISH


def compute_complete_scores(transfer: Transfer, target: str, array: Array) -> Array:
    """Return a target's mean over languages in `array`, NaN where one is missing: first axis of `array` x seeds."""
    points = compute_column(transfer, TransferColumn(name=target, targets=(target,)), array)
    return np.where(points.parts == points.of_parts, points.values, np.nan)


def average_english_dev(transfer: Transfer, rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return English dev of the rows of targets per group of `by`: the columns `by` and `score`, a share."""
    metrics = resolve_official_metrics(list_metrics(rows), "dev", transfer.metrics)
    return average_metrics(rows.filter(pl.col("language") == ENGLISH, split="dev"), metrics, by)


def collect_dev_scores(transfer: Transfer, candidates: Sequence[str]) -> Array:
    """Return English dev of the runs that count in points, candidates x targets x seeds."""
    return place_run_scores(transfer, candidates, select_winners(transfer.runs), "dev")


def place_run_scores(transfer: Transfer, candidates: Sequence[str], runs: pl.DataFrame, column: str) -> Array:
    """Return a column of shares of `runs`, one a cell, in points: candidates x targets x seeds."""
    points = np.full((len(candidates), len(transfer.targets), len(transfer.seeds)), np.nan)
    for name, target, seed, share in runs.select(*CELL_COLUMNS, column).drop_nulls(column).iter_rows():
        if name in candidates:
            cell = candidates.index(name), transfer.targets.index(target), transfer.seeds.index(seed)
            points[cell] = share * POINTS_PER_SHARE
    return points
