"""Tables of robustness.py: methods less plain training, chain by chain and in groups, and what suits which method."""

from collections.abc import Callable

from analysis.questions.methods import OUTCOMES, ComparisonBasis, MethodComparison, MethodEffect, average_effects
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import summarise_seeds
from spaces.method import METHODS
from spaces.space_chains import ADVERSARIAL_METHODS

TASK_KINDS = ("pair", "tagging", "span", "choice", "mlm")
BASIS_NAMES = {"steps": "equal steps", "compute": "equal compute"}
OUTCOME_HEADINGS = {"mixed drop": "drop where mixed", "perturbed drop": "drop where perturbed"}


def build_effect_table(found: MethodComparison, basis: ComparisonBasis) -> Grid:
    """A row for each chain with a method."""
    columns = (
        GridColumn("chain"),
        GridColumn("kind"),
        GridColumn("against"),
        GridColumn("passes", "count"),
        *(GridColumn(OUTCOME_HEADINGS.get(outcome, outcome), "difference") for outcome in OUTCOMES),
    )
    rows: list[tuple[GridValue, ...]] = []
    for arm in found.method_arms:
        row = [found.get_effect(arm.name, basis, outcome) for outcome in OUTCOMES]
        rows.append(
            (
                arm.name,
                arm.kind,
                row[0].plain_chain or "no plain chain",
                GridNumber(value=arm.passes),
                *(_number_from_effect(one) for one in row),
            )
        )
    return Grid(f"Methods less plain training at {BASIS_NAMES[basis]}, in points", columns, tuple(rows))


def _number_from_effect(one: MethodEffect) -> GridNumber:
    number = summarise_seeds(one.values, one.missing_reason or "-")
    if not one.is_significant:
        return number
    return GridNumber(
        value=number.value,
        low=number.low,
        high=number.high,
        seeds=number.seeds,
        of_seeds=number.of_seeds,
        text="(Holm)",
    )


def build_mean_table(
    found: MethodComparison, basis: ComparisonBasis, head: str, group: Callable[[MethodEffect], str]
) -> Grid:
    """A row for each group of chains: by method, or by kind of task. No rows where there is one group."""
    groups = list(dict.fromkeys(group(one) for one in found.effects))
    columns = (
        GridColumn(head),
        GridColumn("chains", "count"),
        *(GridColumn(OUTCOME_HEADINGS.get(outcome, outcome), "difference") for outcome in OUTCOMES),
    )
    rows: list[tuple[GridValue, ...]] = []
    for name in groups if len(groups) > 1 else ():
        members = [[one for one in found.select_effects(basis, outcome) if group(one) == name] for outcome in OUTCOMES]
        chains = {one.arm.name for several in members for one in several}
        if chains:
            rows.append((name, len(chains), *(summarise_seeds(average_effects(several)) for several in members)))
    return Grid(f"By {head}, mean over chains at {BASIS_NAMES[basis]}", columns, tuple(rows))


def build_suitability_table(found: MethodComparison) -> Grid:
    """Which methods have a meaning for which kinds of task, and which were trained here."""
    methods = [METHODS[name] for name in methods_of(found)]
    rows: list[tuple[GridValue, ...]] = []
    for method in methods:
        cells = []
        for kind in TASK_KINDS:
            tried = found.scored_chain_counts.get((method.name, kind))
            if kind in method.unsuited_kinds:
                cells.append("not meaningful")
            elif tried is None:
                cells.append("not in this sweep")
            else:
                cells.append("works" if tried else "no score")
        rows.append((method.name, *cells))
    columns = (GridColumn("method"), *map(GridColumn, TASK_KINDS))
    return Grid("Method by kind of intermediate task", columns, tuple(rows))


def methods_of(found: MethodComparison) -> tuple[str, ...]:
    """Those of the question, and what else the sweep has."""
    return tuple(dict.fromkeys((*ADVERSARIAL_METHODS, *(str(arm.method) for arm in found.method_arms))))
