"""The tables about what predicts gains."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.similarity import TRIES, Judged, Similarity
from analysis.statistics.moments import Array
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import over_seeds

CORRELATION = (-1.0, 1.0)
DIFFERENCE = (-2.0, 2.0)


def by_predictor(found: Similarity) -> Grid:
    """How each predictor orders the intermediate tasks, over all targets."""
    columns = (
        Column("predictor"),
        Column("sort"),
        Column("targets", "count"),
        Column("rank correlation", "correlation", interval=True),
        Column("p", "p"),
        Column("p, Holm", "p"),
        Column("error saved", "share"),
    )
    rows: list[tuple[Field, ...]] = [
        (
            one.predictor.name,
            one.predictor.sort,
            int(one.related.columns.sum()),
            over_seeds(one.related.mean(), bounds=CORRELATION),
            _number(one.p),
            _number(one.holm),
            _number(one.errors.saved),
        )
        for one in found.judged
    ]
    return Grid(
        "Does it predict gain? Rank correlations within targets, and gains of targets left out", columns, tuple(rows)
    )


def orders(found: Similarity) -> Grid:
    """What is lost by trying the first few tasks of each order, beside a blind order."""
    columns = (
        Column("predictor"),
        Column("targets", "count"),
        *(Column(name, "points") for k in TRIES for name in (f"Regret@{k}, %", f"blind @{k}, %")),
        Column("NDCG", "p"),
        Column("blind NDCG", "p"),
    )
    rows: list[tuple[Field, ...]] = []
    for one in found.judged:
        pairs = [
            _number(one.ordered(what, place)) for place in range(len(TRIES)) for what in ("regrets", "blind_regrets")
        ]
        rows.append(
            (
                one.predictor.name,
                len(one.orderings),
                *pairs,
                _number(one.ordered("ndcg")),
                _number(one.ordered("blind_ndcg")),
            )
        )
    return Grid(
        "Orders of the intermediate tasks: what trying the first of them loses to the best", columns, tuple(rows)
    )


def by_target(found: Similarity) -> Grid:
    """The rank correlation of every predictor on every target."""
    columns = (Column("target"), *(Column(one.predictor.name, "correlation") for one in found.judged))
    rows: list[tuple[Field, ...]] = [
        (target, *(over_seeds(one.related.cells[place], bounds=CORRELATION) for one in found.judged))
        for place, target in enumerate(found.asked.targets)
    ]
    return Grid("Rank correlation with gain, target by target", columns, tuple(rows))


def focus(found: Similarity) -> Grid | None:
    """One target against the others; None without one."""
    place = found.place
    if place is None:
        return None
    columns = (
        Column("predictor"),
        Column(f"{found.focus}", "correlation"),
        Column("the others", "correlation"),
        Column("difference", "correlation", interval=True),
        Column("by chance from", "correlation"),
        Column("to", "correlation"),
        Column("p", "p"),
        Column("p, Holm", "p"),
    )
    rows = tuple(_apart(one, place) for one in found.judged if np.isfinite(one.related.apart(place)).any())
    return Grid(f"{found.focus} against the mean of the other targets", columns, rows)


def _apart(one: Judged, place: int) -> tuple[Field, ...]:
    related = one.related
    apart = related.apart(place)
    own = np.where(related.seeds, related.cells[place], np.nan)
    chance = related.chance_apart(place) if one.p_apart is not None else None
    return (
        one.predictor.name,
        over_seeds(own),
        over_seeds(own - apart),
        over_seeds(apart, bounds=DIFFERENCE),
        *(chance or (None, None)),
        _number(one.p_apart),
        _number(one.holm_apart),
    )


def matrices(found: Similarity) -> tuple[Grid, ...]:
    """The gains and every predictor, intermediate tasks x targets: means over seeds."""
    asked = found.asked
    shown = [Grid("Gain", _columns(asked.targets, signed=True), _rows(asked.candidates, asked.gains))]
    for one in found.judged:
        title = f"{one.predictor.name}: greater predicts more gain"
        shown.append(Grid(title, _columns(asked.targets), _rows(asked.candidates, one.predictor.values)))
    return tuple(shown)


def _columns(targets: Sequence[str], *, signed: bool = False) -> tuple[Column, ...]:
    return (Column("intermediate"), *(Column(target, "difference" if signed else "number") for target in targets))


def _rows(candidates: Sequence[str], values: Array) -> tuple[tuple[Field, ...], ...]:
    return tuple((name, *(over_seeds(cell) for cell in row)) for name, row in zip(candidates, values, strict=True))


def _number(value: float | None) -> Number:
    return Number(value=None if value is None or not np.isfinite(value) else value)
