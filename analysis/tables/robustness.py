"""Tables of robustness.py: methods against plain training, by chain and by group, and methods by kind of task."""

from collections.abc import Callable
from dataclasses import replace

from analysis.questions.method_arms import ComparisonBasis
from analysis.questions.methods import OUTCOMES, MethodComparison, MethodEffect, average_effects
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import summarise_seeds
from spaces.method import METHODS
from spaces.space_chains import ADVERSARIAL_METHODS

TASK_KINDS = ("pair", "text", "tagging", "span", "choice", "mlm")
BASIS_NAMES = {"steps": "equal steps", "compute": "equal compute"}
OUTCOME_HEADINGS = {"mixed drop": "drop where mixed", "perturbed drop": "drop where perturbed"}
OUTCOME_COLUMNS = tuple(GridColumn(OUTCOME_HEADINGS.get(outcome, outcome), "difference") for outcome in OUTCOMES)


def build_effect_table(comparison: MethodComparison, basis: ComparisonBasis) -> Grid:
    """Return one row per chain with a method."""
    columns = (
        *(GridColumn("chain"), GridColumn("kind"), GridColumn("against"), GridColumn("passes", "count")),
        *OUTCOME_COLUMNS,
    )
    rows: list[GridRow] = []
    for arm in comparison.method_arms:
        effects = [comparison.get_effect(arm.name, basis, outcome) for outcome in OUTCOMES]
        plain_chain = effects[0].plain_chain or "no plain chain"
        rows.append((arm.name, arm.kind, plain_chain, GridNumber(value=arm.passes), *map(_number_from_effect, effects)))
    return Grid(f"Methods less plain training at {BASIS_NAMES[basis]}, in points", columns, tuple(rows))


def _number_from_effect(effect: MethodEffect) -> GridNumber:
    number = summarise_seeds(effect.values, effect.missing_reason or "-")
    return replace(number, text="(Holm)") if effect.is_significant else number


def build_mean_table(
    comparison: MethodComparison, basis: ComparisonBasis, heading: str, group_of: Callable[[MethodEffect], str]
) -> Grid:
    """Return one row per group of chains (by method or by kind of task); no rows if there is one group."""
    groups = list(dict.fromkeys(map(group_of, comparison.effects)))
    rows: list[GridRow] = []
    for name in groups if len(groups) > 1 else ():
        members = [
            [effect for effect in comparison.select_effects(basis, outcome) if group_of(effect) == name]
            for outcome in OUTCOMES
        ]
        chains = {effect.arm.name for effects in members for effect in effects}
        if chains:
            rows.append((name, len(chains), *(summarise_seeds(average_effects(effects)) for effects in members)))
    columns = (GridColumn(heading), GridColumn("chains", "count"), *OUTCOME_COLUMNS)
    return Grid(f"By {heading}, mean over chains at {BASIS_NAMES[basis]}", columns, tuple(rows))


def build_suitability_table(comparison: MethodComparison) -> Grid:
    """Return which methods apply to which kinds of task, and which of them this sweep trained."""
    methods = [METHODS[name] for name in methods_of(comparison)]
    rows: list[GridRow] = []
    for method in methods:
        cells = []
        for kind in TASK_KINDS:
            scored_count = comparison.scored_chain_counts.get((method.name, kind))
            if kind in method.unsuited_kinds:
                cells.append("not meaningful")
            elif scored_count is None:
                cells.append("not in this sweep")
            else:
                cells.append("works" if scored_count else "no score")
        rows.append((method.name, *cells))
    columns = (GridColumn("method"), *map(GridColumn, TASK_KINDS))
    return Grid("Method by kind of intermediate task", columns, tuple(rows))


def methods_of(comparison: MethodComparison) -> tuple[str, ...]:
    """Return the methods of the question, then the others of the sweep."""
    return tuple(dict.fromkeys((*ADVERSARIAL_METHODS, *(str(arm.method) for arm in comparison.method_arms))))
