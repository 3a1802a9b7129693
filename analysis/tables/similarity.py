"""The tables about what predicts gains."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.similarity import REGRET_CUTOFFS, PredictorComparison, PredictorJudgement
from analysis.statistics.moments import Array
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import summarise_seeds

CORRELATION_BOUNDS = (-1.0, 1.0)
CORRELATION_DIFFERENCE_BOUNDS = (-2.0, 2.0)


def build_predictor_table(found: PredictorComparison) -> Grid:
    """How each predictor orders the intermediate tasks, over all targets."""
    columns = (
        GridColumn("predictor"),
        GridColumn("sort"),
        GridColumn("targets", "count"),
        GridColumn("rank correlation", "correlation", interval=True),
        GridColumn("p", "p"),
        GridColumn("p, Holm", "p"),
        GridColumn("error saved", "share"),
    )
    rows: list[tuple[GridValue, ...]] = [
        (
            one.predictor.name,
            one.predictor.category,
            int(one.correlation.column_mask.sum()),
            summarise_seeds(one.correlation.mean_by_seed(), bounds=CORRELATION_BOUNDS),
            _number_or_none(one.p),
            _number_or_none(one.holm),
            _number_or_none(one.errors.out_of_sample_r2),
        )
        for one in found.judgements
    ]
    return Grid(
        "Does it predict gain? Rank correlations within targets, and gains of targets left out", columns, tuple(rows)
    )


def build_order_table(found: PredictorComparison) -> Grid:
    """What is lost by trying the first few tasks of each order, beside a blind order."""
    columns = (
        GridColumn("predictor"),
        GridColumn("targets", "count"),
        *(GridColumn(name, "points") for k in REGRET_CUTOFFS for name in (f"Regret@{k}, %", f"blind @{k}, %")),
        GridColumn("NDCG", "p"),
        GridColumn("blind NDCG", "p"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for one in found.judgements:
        pairs = [
            _number_or_none(one.average_ordering(what, place))
            for place in range(len(REGRET_CUTOFFS))
            for what in ("regrets", "blind_regrets")
        ]
        rows.append(
            (
                one.predictor.name,
                len(one.orderings),
                *pairs,
                _number_or_none(one.average_ordering("ndcg")),
                _number_or_none(one.average_ordering("blind_ndcg")),
            )
        )
    return Grid(
        "Orders of the intermediate tasks: what trying the first of them loses to the best", columns, tuple(rows)
    )


def build_target_table(found: PredictorComparison) -> Grid:
    """The rank correlation of every predictor on every target."""
    columns = (GridColumn("target"), *(GridColumn(one.predictor.name, "correlation") for one in found.judgements))
    rows: list[tuple[GridValue, ...]] = [
        (
            target,
            *(
                summarise_seeds(one.correlation.correlations[place], bounds=CORRELATION_BOUNDS)
                for one in found.judgements
            ),
        )
        for place, target in enumerate(found.matrix.targets)
    ]
    return Grid("Rank correlation with gain, target by target", columns, tuple(rows))


def build_focus_table(found: PredictorComparison) -> Grid | None:
    """One target against the others; None without one."""
    place = found.focus_index
    if place is None:
        return None
    columns = (
        GridColumn("predictor"),
        GridColumn(f"{found.focus}", "correlation"),
        GridColumn("the others", "correlation"),
        GridColumn("difference", "correlation", interval=True),
        GridColumn("by chance from", "correlation"),
        GridColumn("to", "correlation"),
        GridColumn("p", "p"),
        GridColumn("p, Holm", "p"),
    )
    rows = tuple(
        _build_focus_row(one, place) for one in found.judgements if np.isfinite(one.correlation.contrast(place)).any()
    )
    return Grid(f"{found.focus} against the mean of the other targets", columns, rows)


def _build_focus_row(one: PredictorJudgement, place: int) -> tuple[GridValue, ...]:
    related = one.correlation
    apart = related.contrast(place)
    own = np.where(related.seed_mask, related.correlations[place], np.nan)
    chance = related.contrast_null_interval(place) if one.focus_p is not None else None
    return (
        one.predictor.name,
        summarise_seeds(own),
        summarise_seeds(own - apart),
        summarise_seeds(apart, bounds=CORRELATION_DIFFERENCE_BOUNDS),
        *(chance or (None, None)),
        _number_or_none(one.focus_p),
        _number_or_none(one.focus_holm),
    )


def build_matrices(found: PredictorComparison) -> tuple[Grid, ...]:
    """The gains and every predictor, intermediate tasks x targets: means over seeds."""
    asked = found.matrix
    shown = [
        Grid(
            "Gain", _build_matrix_columns(asked.targets, signed=True), _build_matrix_rows(asked.candidates, asked.gains)
        )
    ]
    for one in found.judgements:
        title = f"{one.predictor.name}: greater predicts more gain"
        shown.append(
            Grid(
                title, _build_matrix_columns(asked.targets), _build_matrix_rows(asked.candidates, one.predictor.values)
            )
        )
    return tuple(shown)


def _build_matrix_columns(targets: Sequence[str], *, signed: bool = False) -> tuple[GridColumn, ...]:
    return (
        GridColumn("intermediate"),
        *(GridColumn(target, "difference" if signed else "number") for target in targets),
    )


def _build_matrix_rows(candidates: Sequence[str], values: Array) -> tuple[tuple[GridValue, ...], ...]:
    return tuple((name, *(summarise_seeds(cell) for cell in row)) for name, row in zip(candidates, values, strict=True))


def _number_or_none(value: float | None) -> GridNumber:
    return GridNumber(value=None if value is None or not np.isfinite(value) else value)
