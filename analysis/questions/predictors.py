"""Candidates for predicting which intermediate task helps a target, and the gains to predict.

In every array a greater number predicts more gain.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.questions.chains import list_candidates, tasks_of
from analysis.questions.distances import compute_distances, compute_log_train_sizes, fuse_orders, read_probed_stages
from analysis.questions.target_scores import average_english_dev, compute_complete_scores, place_run_scores
from analysis.scores.choose import select_contenders, select_winners
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from spaces.chain import MLM, MULTITASK, Ingredient, parse_chain
from spaces.errors import UsageError

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
    kinds: tuple[str, ...] | None = None  # of the candidates; None where the kind of one is unknown


@dataclass(frozen=True, slots=True)
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
    gains = [compute_complete_scores(transfer, target, transfer.gains)[rows] for target in targets]
    shape = (len(targets), len(rows), len(transfer.seeds))  # stated, for sweeps without targets or candidates
    return GainMatrix(
        candidates=candidates,
        targets=targets,
        seeds=transfer.seeds,
        gains=np.reshape(gains, shape).swapaxes(0, 1),
        baseline=np.array([compute_complete_scores(transfer, target, transfer.scores[:1])[0] for target in targets]),
        left_out=tuple(name for name in transfer.intermediates if name not in candidates),
        kinds=_find_kinds(transfer, candidates),
    )


def _find_kinds(transfer: Transfer, candidates: tuple[str, ...]) -> tuple[str, ...] | None:
    tasks = tasks_of(transfer)
    return tuple(tasks[name].kind for name in candidates) if set(candidates) <= set(tasks) else None


def _is_plain_task(name: str) -> bool:
    try:
        return name not in (MULTITASK, MLM) and parse_chain(name).ingredients == (Ingredient(name),)
    except UsageError:  # a foreign file may call its chains as it likes
        return False


def build_predictors(transfer: Transfer, matrix: GainMatrix) -> tuple[Predictor, ...]:
    """Return every predictor that has a number: distances, their fusion, the first tenth, the trivial ones."""
    axes = (matrix.candidates, matrix.targets, matrix.seeds)
    probed = read_probed_stages(transfer)
    distances = compute_distances(probed, axes)
    if len(distances) > 1:
        distances[ALL_DISTANCES] = fuse_orders(list(distances.values()))
    predictors = [
        *(Predictor(name, "distance", values) for name, values in distances.items()),
        Predictor(FIRST_TENTH, "tuning", _collect_first_tenth_scores(transfer, matrix)),
        Predictor(LOG_TRAIN_SIZE, "trivial", compute_log_train_sizes(probed, axes)),
        Predictor(GAIN_ELSEWHERE, "trivial", average_gains_elsewhere(matrix.gains)),
    ]
    return tuple(predictor for predictor in predictors if np.isfinite(predictor.values).any())


def average_gains_elsewhere(gains: Array) -> Array:
    """Return a candidate's mean gain over the other targets, at the same seed; `gains` is candidates x targets x seeds.

    Each gain is taken less its target's mean over candidates. Otherwise a candidate that lacks a target could not be
    compared with those that have it; where nothing is missing, the order is the same.
    """
    present = np.isfinite(gains)
    centred = np.where(present, gains, 0.0)
    centred = np.where(present, centred - centred.sum(axis=0) / np.maximum(present.sum(axis=0), 1), 0.0)
    other_counts = present.sum(axis=1, keepdims=True) - present
    total = centred.sum(axis=1, keepdims=True) - centred
    return np.where(other_counts > 0, total / np.maximum(other_counts, 1), np.nan)


def _collect_first_tenth_scores(transfer: Transfer, matrix: GainMatrix) -> Array:
    """Return English dev of the runs that count after the first tenth of the target's training, in points."""
    dev = average_english_dev(transfer, select_contenders(transfer.loaded_scores), ["run", "tenth"])
    runs = select_winners(transfer.runs).join(dev.filter(tenth=1), on="run")
    points = place_run_scores(transfer, matrix.candidates, runs, "score")
    return points.take([transfer.targets.index(target) for target in matrix.targets], axis=1)
