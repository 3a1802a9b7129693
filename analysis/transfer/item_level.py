"""The second level of uncertainty: over test items, beside that over seeds.

Intervals over seeds are about another run of the same search on the same test sets. With items they are also about
other test sets of the same kind and size. More seeds do not reduce this part of the error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.scores.choose import select_winners
from analysis.scores.item_parts import NoItemsError, PredictionFiles, read_item_parts
from analysis.scores.record import find_stage_file
from analysis.statistics import item_errors
from analysis.statistics.item_errors import ItemParts
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.benchmark import BENCHMARKS
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.task import Task

ROUNDING_TOLERANCE = 1e-6  # points: scores summed in another order differ by less


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLevel:
    """The errors that the test items leave in the mean gains of a table and in the baseline's scores.

    It covers all columns or none, because intervals with different meanings cannot be compared.
    """

    covariance: Array | None = None  # [columns, intermediates, intermediates], points squared; None: no item level
    baseline_variance: Array | None = None  # [columns], points squared: the variance of the baseline's mean scores
    excluded_targets: tuple[str, ...] = ()  # targets without items, because their pairs are mined
    cluster_counts: Mapping[str, int] = field(default_factory=dict)  # of targets whose items may share a text
    note: str | None = None  # why there is none, though a run kept its predictions

    @property
    def variances(self) -> Array | None:
        """The squared standard error of each mean gain: [intermediates, columns]."""
        if self.covariance is None:
            return None
        return np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0.0).T


def compute_item_level(transfer: Transfer, columns: Sequence[TransferColumn]) -> ItemLevel:
    """Return the item level of mean gains in `columns`, from kept predictions; errors of targets are independent."""
    files = _find_prediction_files(transfer)
    if not any(files.values()):
        return ItemLevel()
    size = len(transfer.intermediates)
    gain_covariance, baseline_covariance = np.zeros((len(columns), size, size)), np.zeros((len(columns), 1, 1))
    excluded, cluster_counts = [], {}
    try:
        for target, target_files in files.items():
            task = _find_task(transfer, target)
            if task.retrieval_mode == "mine":
                excluded.append(target)
                continue
            if not transfer.scored_mask[transfer.targets.index(target)].any():
                continue  # it has no score at all
            languages, parts = _read_checked_parts(transfer, task, target_files)
            if task.cluster_text:
                cluster_counts[target] = int(parts.clusters.max()) + 1
            score_influences = POINTS_PER_SHARE * item_errors.compute_influences(parts)
            gain_terms = (score_influences[1:] - score_influences[:1], transfer.gains, gain_covariance)
            baseline_terms = (score_influences[:1], transfer.scores[:1], baseline_covariance)
            for influences, array, covariance in (gain_terms, baseline_terms):
                for i, column in enumerate(columns):
                    if target in column.targets:
                        seed_mask = np.isfinite(compute_column(transfer, column, array).values)
                        weights = compute_weights(transfer, column, target, array)[:, :, languages]
                        by_cluster = item_errors.sum_by_cluster(parts, influences, weights)
                        _check_clusters(task, column, by_cluster.shape[-1])
                        covariance[i] += item_errors.estimate_covariance(by_cluster, seed_mask)
    except NoItemsError as reason:
        return ItemLevel(note=f"{reason}: intervals are over seeds only.")
    return ItemLevel(
        covariance=gain_covariance,
        baseline_variance=np.maximum(baseline_covariance[:, 0, 0], 0.0),
        excluded_targets=tuple(excluded),
        cluster_counts=cluster_counts,
    )


def _check_clusters(task: Task, column: TransferColumn, count: int) -> None:
    if count == 1:
        reason = f"they share one {task.cluster_text}" if task.cluster_text else "there is one"
        raise NoItemsError(f"the items of {task.name} in column {column.name} show no spread, because {reason}")


def compute_weights(transfer: Transfer, column: TransferColumn, target: str, array: Array) -> Array:
    """Return the weight of each language of `target` in the column, at each seed: [chains, seeds, languages].

    Summed over targets and languages, weight times value of `array`, the argument of `compute_column`, is the column's
    value wherever it has one.
    """
    t = transfer.targets.index(target)
    included = transfer.scored_mask[t] & column.language_mask(transfer.languages)
    cells = np.isfinite(array[:, t]) & included[None, :, None]
    weights = cells / np.maximum(1, cells.sum(axis=1, keepdims=True)) / len(column.targets)
    return np.asarray(np.moveaxis(weights, 1, 2))


def _find_prediction_files(transfer: Transfer) -> Mapping[str, PredictionFiles]:
    """Return the predictions of the runs that count, by target; without floors, which are not compared."""
    chains = {chain: i for i, chain in enumerate(transfer.chains[: 1 + len(transfer.intermediates)])}
    seeds = {seed: i for i, seed in enumerate(transfer.seeds)}
    files: dict[str, dict[tuple[int, int], Path]] = {target: {} for target in transfer.targets}
    runs = select_winners(transfer.runs).drop_nulls("stage").select("target", "intermediate", "seed", "stage")
    for target, chain, seed, stage in runs.iter_rows():
        path = find_stage_file(transfer.loaded_scores.stage_folders, stage, PREDICTIONS_FILE)
        if chain in chains and path is not None:
            files[target][chains[chain], seeds[seed]] = path
    return files


def _find_task(transfer: Transfer, target: str) -> Task:
    benchmark = BENCHMARKS.get(transfer.loaded_scores.benchmark or "")
    if benchmark is None or target not in benchmark.targets:
        raise NoItemsError(f"{target} is in no known benchmark, so its items are unknown")
    return benchmark.targets[target]


def _read_checked_parts(transfer: Transfer, task: Task, files: PredictionFiles) -> tuple[list[int], ItemParts]:
    """Return the indices of a target's languages and its items, checked to reproduce the scores of all its runs."""
    if {*transfer.metrics[task.name]} != {*task.official_metrics}:
        raise NoItemsError(f"{task.name} is scored by other metrics than its official ones, which its items make")
    scores = transfer.scores[: 1 + len(transfer.intermediates), transfer.targets.index(task.name)]
    has_score = np.asarray(np.isfinite(scores).any(axis=1))  # chains x seeds
    lacking = [(int(chain), int(seed)) for chain, seed in np.argwhere(has_score) if (chain, seed) not in files]
    if lacking:
        count = f"{len(lacking)} of {int(has_score.sum())} runs"
        example = _describe_run(transfer, task, *lacking[0])
        raise NoItemsError(f"{count} of {task.name}, e.g. {example}, kept no predictions")
    scored_files = {cell: path for cell, path in files.items() if has_score[cell]}
    languages, parts = read_item_parts(scored_files, task, *has_score.shape)
    if unknown := sorted({*languages} - {*transfer.languages}):
        raise NoItemsError(f"{task.name} has predictions in {unknown[0]} but no score")
    indices = [transfer.languages.index(language) for language in languages]
    item_scores = np.full(scores.shape, np.nan)
    item_scores[:, indices] = np.moveaxis(POINTS_PER_SHARE * item_errors.compute_ratios(parts), 1, 2)
    wrong = np.isfinite(scores) & ~(np.abs(item_scores - scores) <= ROUNDING_TOLERANCE)
    if wrong.any():
        chain, language, seed = map(int, np.argwhere(wrong)[0])
        run = f"{_describe_run(transfer, task, chain, seed)} in {transfer.languages[language]}"
        raise NoItemsError(f"the predictions of {run} do not reproduce its score")
    return indices, parts


def _describe_run(transfer: Transfer, task: Task, chain: int, seed: int) -> str:
    return f"{transfer.chains[chain]} -> {task.name}, seed {transfer.seeds[seed]}"
