"""Tables of robustness.py: methods less plain training, chain by chain and in groups, and what suits which method."""

from collections.abc import Callable

from analysis.questions.methods import OUTCOMES, Basis, Effect, Methods, mean_over
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import over_seeds
from spaces.adversarial_variants import ADVERSARIAL
from spaces.method import METHODS

KINDS = ("pair", "tagging", "span", "choice", "mlm")
AT = {"steps": "equal steps", "compute": "equal compute"}
SHOWN = {"mixed drop": "drop where mixed", "perturbed drop": "drop where perturbed"}


def effects(found: Methods, basis: Basis) -> Grid:
    """A row for each chain with a method."""
    columns = (
        Column("chain"),
        Column("kind"),
        Column("against"),
        Column("passes", "count"),
        *(Column(SHOWN.get(outcome, outcome), "difference") for outcome in OUTCOMES),
    )
    rows: list[tuple[Field, ...]] = []
    for arm in found.trained:
        row = [found.effect(arm.name, basis, outcome) for outcome in OUTCOMES]
        rows.append(
            (
                arm.name,
                arm.kind,
                row[0].against or "no plain chain",
                Number(value=arm.passes),
                *(_field(one) for one in row),
            )
        )
    return Grid(f"Methods less plain training at {AT[basis]}, in points", columns, tuple(rows))


def _field(one: Effect) -> Number:
    number = over_seeds(one.values, one.why or "-")
    if not one.certain:
        return number
    return Number(
        value=number.value,
        low=number.low,
        high=number.high,
        seeds=number.seeds,
        of_seeds=number.of_seeds,
        text="(Holm)",
    )


def means(found: Methods, basis: Basis, head: str, group: Callable[[Effect], str]) -> Grid:
    """A row for each group of chains: by method, or by kind of task. No rows where there is one group."""
    groups = list(dict.fromkeys(group(one) for one in found.effects))
    columns = (
        Column(head),
        Column("chains", "count"),
        *(Column(SHOWN.get(outcome, outcome), "difference") for outcome in OUTCOMES),
    )
    rows: list[tuple[Field, ...]] = []
    for name in groups if len(groups) > 1 else ():
        members = [[one for one in found.of(basis, outcome) if group(one) == name] for outcome in OUTCOMES]
        chains = {one.arm.name for several in members for one in several}
        if chains:
            rows.append((name, len(chains), *(over_seeds(mean_over(several)) for several in members)))
    return Grid(f"By {head}, mean over chains at {AT[basis]}", columns, tuple(rows))


def suited(found: Methods) -> Grid:
    """Which methods have a meaning for which kinds of task, and which were trained here."""
    methods = [METHODS[name] for name in methods_of(found)]
    rows: list[tuple[Field, ...]] = []
    for method in methods:
        cells = []
        for kind in KINDS:
            tried = found.tried.get((method.name, kind))
            if kind in method.unsuited:
                cells.append("not meaningful")
            elif tried is None:
                cells.append("not in this sweep")
            else:
                cells.append("works" if tried else "no score")
        rows.append((method.name, *cells))
    columns = (Column("method"), *map(Column, KINDS))
    return Grid("Method by kind of intermediate task", columns, tuple(rows))


def methods_of(found: Methods) -> tuple[str, ...]:
    """Those of the question, and what else the sweep has."""
    return tuple(dict.fromkeys((*ADVERSARIAL, *(str(arm.method) for arm in found.trained))))
