"""What might predict which intermediate task helps a target: numbers by candidate and target, and the gains.

In every array a greater number predicts more gain.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from analysis.questions.distances import compute_distances, compute_log_train_sizes, fuse_orders, read_probed_stages
from analysis.scores.choose import (
    average_metrics,
    list_metrics,
    resolve_official_metrics,
    select_contenders,
    select_winners,
)
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.chain import MLM, MULTITASK, Ingredient, parse_chain
from spaces.errors import UsageError
from spaces.language import ENGLISH

ALL_DISTANCES = "all distances"
FIRST_TENTH = "first tenth of tuning"
LOG_TRAIN_SIZE = "log train size"
GAIN_ELSEWHERE = "mean gain elsewhere"

PredictorCategory = Literal["distance", "tuning", "trivial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainMatrix:
    """The matrix that is to be predicted, in points; a cell that lacks one of its target's languages is NaN."""

    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    gains: Array  # candidates x targets x seeds
    baseline: Array  # targets x seeds
    left_out: tuple[str, ...]  # chains that are no candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """`values` is candidates x targets x seeds, NaN where there is none."""

    name: str
    category: PredictorCategory
    values: Array


def build_gain_matrix(found: Transfer) -> GainMatrix:
    """Plain intermediate tasks, each by itself, that are no controls; and the targets that are trained.

    Variants of a task are no further tasks, and what is not trained has no data of its own to be close to.
    """
    candidates = tuple(
        name for name in found.intermediates if name not in found.loaded_scores.controls and _is_plain_task(name)
    )
    targets = tuple(name for name in found.targets if name not in found.loaded_scores.retrieval_targets)
    rows = [found.intermediates.index(name) for name in candidates]
    shape = (len(targets), len(found.chains), len(found.seeds))
    whole, gains = np.full(shape, np.nan), np.full((len(targets), len(found.intermediates), len(found.seeds)), np.nan)
    for place, target in enumerate(targets):
        column = TransferColumn(name=target, targets=(target,))
        for array, values in ((whole, found.scores), (gains, found.gains)):
            shown = compute_column(found, column, values)
            array[place] = np.where(shown.parts == shown.of_parts, shown.values, np.nan)
    return GainMatrix(
        candidates=candidates,
        targets=targets,
        seeds=found.seeds,
        gains=gains[:, rows].swapaxes(0, 1),
        baseline=whole[:, 0],
        left_out=tuple(name for name in found.intermediates if name not in candidates),
    )


def _is_plain_task(name: str) -> bool:
    try:
        return name not in (MULTITASK, MLM) and parse_chain(name).ingredients == (Ingredient(name),)
    except UsageError:  # a foreign file may call its chains as it likes
        return False


def build_predictors(found: Transfer, asked: GainMatrix) -> tuple[Predictor, ...]:
    """Every predictor that has a number: distances and their fusion, the first tenth of tuning, the trivial ones."""
    axes = (asked.candidates, asked.targets, asked.seeds)
    known = read_probed_stages(found, found.loaded_scores.stage_folders)
    near = compute_distances(known, axes)
    if len(near) > 1:
        near[ALL_DISTANCES] = fuse_orders(list(near.values()))
    parts: list[tuple[str, PredictorCategory, Array]] = [(name, "distance", values) for name, values in near.items()]
    parts.append((FIRST_TENTH, "tuning", _collect_first_tenth_scores(found, asked)))
    parts.append((LOG_TRAIN_SIZE, "trivial", compute_log_train_sizes(known, axes)))
    parts.append((GAIN_ELSEWHERE, "trivial", average_gains_elsewhere(asked.gains)))
    return tuple(
        Predictor(name=name, category=sort, values=values) for name, sort, values in parts if np.isfinite(values).any()
    )


def average_gains_elsewhere(gains: Array) -> Array:
    """Mean gain of a candidate over the other targets, at the same seed, each less that target's mean over candidates.

    Without that mean a candidate that lacks a target could not be compared with those that have it; where nothing is
    missing it changes no order.

    Args:
        gains: candidates x targets x seeds
    """
    there = np.isfinite(gains)
    beyond = np.where(there, gains, 0.0)
    beyond = np.where(there, beyond - beyond.sum(axis=0) / np.maximum(there.sum(axis=0), 1), 0.0)
    others = there.sum(axis=1, keepdims=True) - there
    total = beyond.sum(axis=1, keepdims=True) - beyond
    return np.where(others > 0, total / np.maximum(others, 1), np.nan)


def _collect_first_tenth_scores(found: Transfer, asked: GainMatrix) -> Array:
    """English dev of the runs that count after the first tenth of the target's tuning, in points."""
    rows = select_contenders(found.loaded_scores)
    dev = rows.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH, pl.col("tenth") == 1)
    judged = average_metrics(dev, resolve_official_metrics(list_metrics(rows), "dev", found.metrics), ["run"])
    values = np.full((len(asked.candidates), len(asked.targets), len(asked.seeds)), np.nan)
    runs = select_winners(found.runs).join(judged, on="run").drop_nulls("score")
    for chain, target, seed, score in runs.select("intermediate", "target", "seed", "score").iter_rows():
        if chain in asked.candidates and target in asked.targets:
            values[asked.candidates.index(chain), asked.targets.index(target), asked.seeds.index(seed)] = (
                score * POINTS_PER_SHARE
            )
    return values
