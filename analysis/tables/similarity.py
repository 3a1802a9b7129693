"""The tables of similarity.py: what predicts gains."""

from itertools import chain

import numpy as np

from analysis.questions.predictors import GainMatrix
from analysis.questions.similarity import REGRET_CUTOFFS, PredictorComparison, PredictorJudgement
from analysis.statistics.moments import Array
from analysis.tables.grid import ColumnUnit, Grid, GridColumn, GridRow
from analysis.tables.numbers import CORRELATION_BOUNDS, number_or_none, summarise_seeds

CORRELATION_DIFFERENCE_BOUNDS = (-2.0, 2.0)


PREDICTOR_TITLE = "Does it predict gain? Rank correlations within targets, and gains of targets left out"


def build_predictor_table(comparison: PredictorComparison, title: str = PREDICTOR_TITLE) -> Grid:
    """Return how each predictor orders the intermediate tasks, over all targets."""
    columns = (
        GridColumn("predictor"),
        GridColumn("sort"),
        GridColumn("targets", "count"),
        GridColumn("rank correlation", "correlation", interval=True),
        GridColumn("p", "p"),
        GridColumn("p, Holm", "p"),
        GridColumn("p in kinds", "p"),
        GridColumn("error saved", "share"),
    )
    rows: list[GridRow] = [
        (
            judgement.predictor.name,
            judgement.predictor.category,
            int(judgement.correlation.column_mask.sum()),
            summarise_seeds(judgement.correlation.mean_by_seed(), bounds=CORRELATION_BOUNDS),
            number_or_none(judgement.p),
            number_or_none(judgement.holm),
            number_or_none(judgement.kind_p),
            number_or_none(judgement.errors.out_of_sample_r2),
        )
        for judgement in comparison.judgements
    ]
    return Grid(title, columns, tuple(rows))


def build_order_table(comparison: PredictorComparison) -> Grid:
    """Return what the first few tasks of each order lose to the best task, beside a random order."""
    columns = (
        GridColumn("predictor"),
        GridColumn("targets", "count"),
        *(GridColumn(name, "points") for k in REGRET_CUTOFFS for name in (f"Regret@{k}, %", f"blind @{k}, %")),
        GridColumn("NDCG", "p"),
        GridColumn("blind NDCG", "p"),
    )
    rows: list[GridRow] = []
    for judgement in comparison.judgements:
        values: list[float | None] = [None] * (len(columns) - 2)
        if quality := judgement.mean_ordering:
            pairs = zip(quality.regrets, quality.blind_regrets, strict=True)
            values = [*chain.from_iterable(pairs), quality.ndcg, quality.blind_ndcg]
        rows.append((judgement.predictor.name, len(judgement.orderings), *map(number_or_none, values)))
    title = "Orders of the intermediate tasks: what trying the first of them loses to the best"
    return Grid(title, columns, tuple(rows))


def build_target_table(comparison: PredictorComparison) -> Grid:
    """Return the rank correlation of every predictor on every target."""
    predictors = (GridColumn(each.predictor.name, "correlation") for each in comparison.judgements)
    rows: list[GridRow] = []
    for index, target in enumerate(comparison.matrix.targets):
        correlations = (each.correlation.correlations[index] for each in comparison.judgements)
        rows.append((target, *(summarise_seeds(by_seed, bounds=CORRELATION_BOUNDS) for by_seed in correlations)))
    return Grid("Rank correlation with gain, target by target", (GridColumn("target"), *predictors), tuple(rows))


def build_focus_table(comparison: PredictorComparison) -> Grid | None:
    """Return one target against the others; None without a focus."""
    index = comparison.focus_index
    if index is None:
        return None
    columns = (
        GridColumn("predictor"),
        GridColumn(f"{comparison.focus}", "correlation"),
        GridColumn("the others", "correlation"),
        GridColumn("difference", "correlation", interval=True),
        GridColumn("by chance from", "correlation"),
        GridColumn("to", "correlation"),
        GridColumn("p", "p"),
        GridColumn("p, Holm", "p"),
    )
    compared = (each for each in comparison.judgements if np.isfinite(each.correlation.contrast(index)).any())
    rows = tuple(_build_focus_row(judgement, index) for judgement in compared)
    return Grid(f"{comparison.focus} against the mean of the other targets", columns, rows)


def _build_focus_row(judgement: PredictorJudgement, index: int) -> GridRow:
    correlation = judgement.correlation
    contrast = correlation.contrast(index)
    focus = np.where(correlation.seed_mask, correlation.correlations[index], np.nan)
    null_interval = correlation.contrast_null_interval(index) if judgement.focus_p is not None else None
    return (
        judgement.predictor.name,
        summarise_seeds(focus),
        summarise_seeds(focus - contrast),
        summarise_seeds(contrast, bounds=CORRELATION_DIFFERENCE_BOUNDS),
        *(null_interval or (None, None)),
        number_or_none(judgement.focus_p),
        number_or_none(judgement.focus_holm),
    )


def build_matrices(comparison: PredictorComparison) -> tuple[Grid, ...]:
    """Return the gains and every predictor as matrices of intermediate tasks by targets, means over seeds."""
    matrix = comparison.matrix
    grids = [_build_matrix("Gain", matrix, matrix.gains, "difference")]
    for judgement in comparison.judgements:
        title = f"{judgement.predictor.name}: greater predicts more gain"
        grids.append(_build_matrix(title, matrix, judgement.predictor.values, "number"))
    return tuple(grids)


def _build_matrix(title: str, matrix: GainMatrix, values: Array, unit: ColumnUnit) -> Grid:
    columns = (GridColumn("intermediate"), *(GridColumn(target, unit) for target in matrix.targets))
    rows = zip(matrix.candidates, values, strict=True)
    return Grid(title, columns, tuple((name, *map(summarise_seeds, row)) for name, row in rows))
