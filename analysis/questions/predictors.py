"""Candidates for predicting which intermediate task helps a target, and the gains to predict.

In every array a greater number predicts more gain.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from analysis.questions.chains import list_candidates
from analysis.questions.distances import compute_distances, compute_log_train_sizes, fuse_orders, read_probed_stages
from analysis.questions.target_scores import compute_complete_scores
from analysis.scores.choose import (
    average_metrics,
    list_metrics,
    resolve_official_metrics,
    select_contenders,
    select_winners,
)
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
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
    """The gains to predict, in points; NaN where a cell lacks one of its target's languages."""

    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    gains: Array  # candidates x targets x seeds
    baseline: Array  # targets x seeds
    left_out: tuple[str, ...]  # chains that are no candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """One predictor; `values` is candidates x targets x seeds, NaN where there is none."""

    name: str
    category: PredictorCategory
    values: Array


def build_gain_matrix(transfer: Transfer) -> GainMatrix:
    """Return the gains of plain single tasks that are no controls, on the targets that are trained.

    Variants of a task are not further tasks, and a target without training has no data of its own to be close to.
    """
    candidates = tuple(filter(_is_plain_task, list_candidates(transfer)))
    targets = tuple(name for name in transfer.targets if name not in transfer.loaded_scores.retrieval_targets)
    rows = [transfer.intermediates.index(name) for name in candidates]
    shape = (len(targets), len(rows), len(transfer.seeds))  # stated, for sweeps without targets or candidates
    return GainMatrix(
        candidates=candidates,
        targets=targets,
        seeds=transfer.seeds,
        gains=np.reshape(
            [compute_complete_scores(transfer, target, transfer.gains)[rows] for target in targets], shape
        ).swapaxes(0, 1),
        baseline=np.array([compute_complete_scores(transfer, target, transfer.scores[:1])[0] for target in targets]),
        left_out=tuple(name for name in transfer.intermediates if name not in candidates),
    )


def _is_plain_task(name: str) -> bool:
    try:
        return name not in (MULTITASK, MLM) and parse_chain(name).ingredients == (Ingredient(name),)
    except UsageError:  # a foreign file may call its chains as it likes
        return False


def build_predictors(transfer: Transfer, matrix: GainMatrix) -> tuple[Predictor, ...]:
    """Return every predictor that has a number: distances, their fusion, the first tenth, the trivial ones."""
    axes = (matrix.candidates, matrix.targets, matrix.seeds)
    probed = read_probed_stages(transfer, transfer.loaded_scores.stage_folders)
    distances = compute_distances(probed, axes)
    if len(distances) > 1:
        distances[ALL_DISTANCES] = fuse_orders(list(distances.values()))
    entries: list[tuple[str, PredictorCategory, Array]] = [
        (name, "distance", values) for name, values in distances.items()
    ]
    entries.append((FIRST_TENTH, "tuning", _collect_first_tenth_scores(transfer, matrix)))
    entries.append((LOG_TRAIN_SIZE, "trivial", compute_log_train_sizes(probed, axes)))
    entries.append((GAIN_ELSEWHERE, "trivial", average_gains_elsewhere(matrix.gains)))
    return tuple(
        Predictor(name=name, category=category, values=values)
        for name, category, values in entries
        if np.isfinite(values).any()
    )


def average_gains_elsewhere(gains: Array) -> Array:
    """Return a candidate's mean gain over the other targets, at the same seed.

    Each gain is taken less its target's mean over candidates. Otherwise a candidate that lacks a target could not be
    compared with those that have it; where nothing is missing, the order is the same.

    Args:
        gains: candidates x targets x seeds
    """
    present = np.isfinite(gains)
    centred = np.where(present, gains, 0.0)
    centred = np.where(present, centred - centred.sum(axis=0) / np.maximum(present.sum(axis=0), 1), 0.0)
    other_counts = present.sum(axis=1, keepdims=True) - present
    total = centred.sum(axis=1, keepdims=True) - centred
    return np.where(other_counts > 0, total / np.maximum(other_counts, 1), np.nan)


def _collect_first_tenth_scores(transfer: Transfer, matrix: GainMatrix) -> Array:
    """Return English dev of the runs that count after the first tenth of the target's training, in points."""
    rows = select_contenders(transfer.loaded_scores)
    dev = rows.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH, pl.col("tenth") == 1)
    scores = average_metrics(dev, resolve_official_metrics(list_metrics(rows), "dev", transfer.metrics), ["run"])
    values = np.full((len(matrix.candidates), len(matrix.targets), len(matrix.seeds)), np.nan)
    runs = select_winners(transfer.runs).join(scores, on="run").drop_nulls("score")
    for chain, target, seed, score in runs.select("intermediate", "target", "seed", "score").iter_rows():
        if chain in matrix.candidates and target in matrix.targets:
            values[matrix.candidates.index(chain), matrix.targets.index(target), matrix.seeds.index(seed)] = (
                score * POINTS_PER_SHARE
            )
    return values
