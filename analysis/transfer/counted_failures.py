"""The ranking once more with the failed runs in it, at the scores that they reached.

A degenerate run that was trained to the end has test scores. Here it competes by its English dev score like any other
run, so a cell counts at a degenerate score only where no finished run has a better one. A run whose loss was no number
has no score: it counts at the trivial answer (the floor `majority`) where that is known, and else stays out.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores import choose
from analysis.scores.choose import MAJORITY
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.gain_errors import ErrorKind
from analysis.statistics.moments import Array, compute_moments
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import build_columns
from analysis.transfer.contest import MIN_RANKED_DRAWS, Contest, build_contest
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table
from analysis.transfer.holes import Cell
from analysis.transfer.item_level import ItemLevel
from analysis.transfer.uncertainty import build_uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedFailures:
    """Gains and contests with the failed runs. Intervals are over seeds only."""

    transfer: Transfer
    at_score: tuple[Cell, ...]  # cells that count at the score of a degenerate run
    at_floor: tuple[Cell, ...]  # cells without a score that count at the trivial answer
    left_out: tuple[Cell, ...]  # degenerate cells without a score and without a known floor
    gains: Mapping[EstimateKey, Estimate]  # (intermediate, target or mean)
    contests: Mapping[str, Contest]  # by the name of a mean

    @property
    def counted(self) -> tuple[Cell, ...]:
        """The cells that count here and do not in the other means, or at another score."""
        return self.at_score + self.at_floor


def rank_with_failures(transfer: Transfer, errors: ErrorKind, rng: np.random.Generator) -> CountedFailures | None:
    """Return the gains with failed runs counted, with `errors` over seeds; None if no run of a chain was degenerate."""
    if transfer.runs.filter(status="degenerate").is_empty():
        return None
    counted, cells = count_failed_runs(transfer)
    if not any(cells):
        return None
    columns = build_columns(counted)
    uncertainty = build_uncertainty(counted, ItemLevel(), columns, errors, rng, MIN_RANKED_DRAWS)
    at_score, at_floor, left_out = cells
    return CountedFailures(
        transfer=counted,
        at_score=at_score,
        at_floor=at_floor,
        left_out=left_out,
        gains=estimate_table(counted, counted.gains, counted.intermediates, columns, counted.holes, uncertainty),
        contests={column.name: build_contest(counted, column, uncertainty) for column in columns if column.is_mean},
    )


def count_failed_runs(
    transfer: Transfer,
) -> tuple[Transfer, tuple[tuple[Cell, ...], tuple[Cell, ...], tuple[Cell, ...]]]:
    """Return the transfer with failed runs in its scores; and cells at a degenerate score, at the floor, left out."""
    array = transfer.scores.copy()
    axes = {"intermediate": transfer.chains, "target": transfer.targets, "seed": transfer.seeds}
    known = [pl.col(name).is_in(list(values)) for name, values in axes.items()]
    runs = transfer.runs.filter(*known, pl.col("status").is_in(["finished", "degenerate"]))
    scores = _score_degenerate_runs(transfer, runs.filter(status="degenerate"))
    contenders = runs.filter((pl.col("status") == "finished") | pl.col("run").is_in(scores["run"].unique().to_list()))
    # Where dev cannot tell, a finished run counts.
    order = {"dev": True, "status": True, "learning_rate": False}
    ordered = contenders.sort(list(order), descending=list(order.values()), nulls_last=True)
    winners = ordered.unique(CELL_COLUMNS, keep="first", maintain_order=True)
    at_score = winners.filter(status="degenerate").sort(CELL_COLUMNS)
    for run, *cell in at_score.select("run", *CELL_COLUMNS).iter_rows():
        chain, target, seed = _locate(transfer, *cell)
        array[chain, target, :, seed] = np.nan
        for _, language, score in scores.filter(run=run).iter_rows():
            array[chain, target, transfer.languages.index(language), seed] = POINTS_PER_SHARE * score
    scoreless = runs.join(contenders, on=CELL_COLUMNS, how="anti").select(CELL_COLUMNS).unique().sort(CELL_COLUMNS)
    at_floor: list[Cell] = []
    left_out: list[Cell] = []
    for intermediate, name, number in scoreless.iter_rows():
        chain, target, seed = _locate(transfer, intermediate, name, number)
        array[chain, target, :, seed] = floor = _find_floor(transfer, target)
        (at_floor if np.isfinite(floor).any() else left_out).append((intermediate, name, number))
    filled = {*at_score.select(CELL_COLUMNS).iter_rows(), *at_floor}
    holes = {cell: hole for cell, hole in transfer.holes.items() if cell not in filled}
    counted = dataclasses.replace(transfer, scores=array, holes=holes)
    return counted, (tuple(at_score.select(CELL_COLUMNS).iter_rows()), tuple(at_floor), tuple(left_out))


def _score_degenerate_runs(transfer: Transfer, runs: pl.DataFrame) -> pl.DataFrame:
    """Return `run`, `language` and `score` (0 to 1) of the runs that have every score of theirs."""
    rows = choose.select_contenders(transfer.loaded_scores).filter(
        pl.col("run").is_in(runs["run"].to_list()), pl.col("split") == "test"
    )
    means = choose.average_metrics(rows, transfer.metrics, ["run", "language"])
    complete = pl.col("score").is_not_null().all().over("run") & pl.col("language").is_in(list(transfer.languages))
    return means.filter(complete)


def _find_floor(transfer: Transfer, target: int) -> Array:
    """Return the score of the trivial answer in each language; NaN where no run has it."""
    if MAJORITY not in transfer.floors:
        return np.full(len(transfer.languages), np.nan)
    return compute_moments(transfer.scores[transfer.chains.index(MAJORITY), target]).mean


def _locate(transfer: Transfer, chain: str, target: str, seed: int) -> tuple[int, int, int]:
    return transfer.chains.index(chain), transfer.targets.index(target), transfer.seeds.index(seed)
