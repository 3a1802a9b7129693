"""The second level of uncertainty: what other test items would have shown. It stands beside that of other seeds.

Intervals over seeds answer: another run of the same search, on the same test sets. With items they answer: and on
other test sets of the same kind and size. No number of seeds makes this part of the error smaller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.scores.choose import select_winners
from analysis.scores.item_parts import NoItemsError, PredictionFiles, find_predictions, read_item_parts
from analysis.statistics.item_errors import (
    ItemParts,
    compute_influences,
    compute_ratios,
    estimate_covariance,
    sum_by_item,
)
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.benchmark import BENCHMARKS
from spaces.task import Task

ROUNDING_TOLERANCE = 1e-6  # points: what sums in another order make of a score


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLevel:
    """The errors that the test items leave in the mean gains of a table, and in the baseline's scores.

    It is there for all columns or for none: intervals that mean different things could not be compared.
    """

    covariance: Array | None = None  # [columns, intermediates, intermediates], points squared; None: no item level
    baseline_variance: Array | None = None  # [columns], points squared: the variance of the baseline's mean scores
    excluded_targets: tuple[str, ...] = field(default=())  # targets that are not in it: mined pairs are no items
    note: str | None = None  # why there is none, though some run kept its predictions

    @property
    def variances(self) -> Array | None:
        """[intermediates, columns]: the square of the standard error of each mean gain."""
        if self.covariance is None:
            return None
        return np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0.0).T


def compute_item_level(found: Transfer, columns: Sequence[TransferColumn]) -> ItemLevel:
    """The item level of the gains' means in `columns`, from the predictions that the runs that count have kept.

    Errors of different targets are taken as independent.
    """
    files = _find_prediction_files(found)
    if not any(files.values()):
        return ItemLevel()
    size = len(found.intermediates)
    total, baseline = np.zeros((len(columns), size, size)), np.zeros((len(columns), 1, 1))
    without = []
    try:
        for target, own in files.items():
            task = _find_task(found, target)
            if task.retrieval_mode == "mine":
                without.append(target)
                continue
            if not found.scored_mask[found.targets.index(target)].any():
                continue  # it has no score at all
            places, parts = _read_checked_parts(found, task, own)
            scores = POINTS_PER_SHARE * compute_influences(parts)
            gains = scores[1:] - scores[:1]
            for moved, array, errors in ((gains, found.gains, total), (scores[:1], found.scores[:1], baseline)):
                for number, column in enumerate(columns):
                    if target in column.targets:
                        there = np.isfinite(compute_column(found, column, array).values)
                        shares = compute_weights(found, column, target, array)[:, :, places]
                        errors[number] += estimate_covariance(sum_by_item(parts, moved, shares), there)
    except NoItemsError as reason:
        return ItemLevel(note=f"{reason}: intervals are over seeds only.")
    return ItemLevel(
        covariance=total, baseline_variance=np.maximum(baseline[:, 0, 0], 0.0), excluded_targets=tuple(without)
    )


def compute_weights(found: Transfer, column: TransferColumn, target: str, array: Array) -> Array:
    """How much each language of `target` counts in the column, at each seed.

    `array` (chains x targets x languages x seeds) is what the column is of, as `points` takes it.

    Returns:
        [chains, seeds, languages]; summed over targets and languages, weight times value is the column's value
        wherever it has one.
    """
    place = found.targets.index(target)
    wanted = np.array([column.languages is None or name in column.languages for name in found.languages], np.bool_)
    cells = np.isfinite(array[:, place]) & (found.scored_mask[place] & wanted)[None, :, None]
    shares = cells / np.maximum(1, cells.sum(axis=1, keepdims=True)) / len(column.targets)
    return np.asarray(np.moveaxis(shares, 1, 2))


def _find_prediction_files(found: Transfer) -> Mapping[str, PredictionFiles]:
    """The predictions of the runs that count, by target; floors are not compared and not in it."""
    chains = {chain: place for place, chain in enumerate(found.chains[: 1 + len(found.intermediates)])}
    seeds = {seed: place for place, seed in enumerate(found.seeds)}
    files: dict[str, dict[tuple[int, int], Path]] = {target: {} for target in found.targets}
    runs = select_winners(found.runs).drop_nulls("stage").select("target", "intermediate", "seed", "stage")
    for target, chain, seed, stage in runs.iter_rows():
        path = find_predictions(found.loaded_scores.stage_folders, stage)
        if chain in chains and path is not None:
            files[target][chains[chain], seeds[seed]] = path
    return files


def _find_task(found: Transfer, target: str) -> Task:
    benchmark = BENCHMARKS.get(found.loaded_scores.benchmark or "")
    task = None if benchmark is None else benchmark.targets.get(target)
    if task is None:
        raise NoItemsError(f"{target} is in no table of benchmarks, so its items are not known")
    return task


def _read_checked_parts(found: Transfer, task: Task, files: PredictionFiles) -> tuple[list[int], ItemParts]:
    """The places of a target's languages and its items, once these are known to make the scores of all its runs."""
    if {*found.metrics[task.name]} != {*task.official_metrics}:
        raise NoItemsError(f"{task.name} is shown by other metrics than its official ones, which the items make")
    scores = found.scores[: 1 + len(found.intermediates), found.targets.index(task.name)]
    scored = np.asarray(np.isfinite(scores).any(axis=1))  # chains x seeds
    lacking = [(int(chain), int(seed)) for chain, seed in np.argwhere(scored) if (chain, seed) not in files]
    if lacking:
        count = f"{len(lacking)} of {int(scored.sum())} runs"
        raise NoItemsError(
            f"{count} of {task.name}, e.g. {_describe_run(found, task, *lacking[0])}, kept no predictions"
        )
    languages, parts = read_item_parts({place: files[place] for place in files if scored[place]}, task, *scored.shape)
    if strange := sorted({*languages} - {*found.languages}):
        raise NoItemsError(f"{task.name} has predictions in {strange[0]} and no score")
    places = [found.languages.index(language) for language in languages]
    made = np.full(scores.shape, np.nan)
    made[:, places] = np.moveaxis(POINTS_PER_SHARE * compute_ratios(parts), 1, 2)
    wrong = np.isfinite(scores) & ~(np.abs(made - scores) <= ROUNDING_TOLERANCE)
    if wrong.any():
        chain, language, seed = map(int, np.argwhere(wrong)[0])
        what = f"the predictions of {_describe_run(found, task, chain, seed)} in {found.languages[language]}"
        raise NoItemsError(f"{what} do not make its score")
    return places, parts


def _describe_run(found: Transfer, task: Task, chain: int, seed: int) -> str:
    return f"{found.chains[chain]} -> {task.name}, seed {found.seeds[seed]}"
