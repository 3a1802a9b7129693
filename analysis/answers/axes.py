"""The printed answer of axes.py: which axis of the search moves the score."""

from analysis.questions.factors import FACTORS, POOLED, AxisComparison
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.source import describe_source
from analysis.transfer.array import Transfer
from spaces.chain import NONE

QUESTION = "Which axis of the search moves the score?"
MIN_SHARE = 0.005  # a share below it is not worth a sentence


def build_answer(found: Transfer, split: AxisComparison) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        sentences=(_write_verdict(split), _describe_shares(split)),
        source_lines=describe_source(found.loaded_scores),
        tables=(_build_spread_table(split), _build_share_table(split), _build_importance_table(split)),
        notes=(*_explain_tables(split), *_list_missing(split)),
    )


def _write_verdict(split: AxisComparison) -> str:
    """Does the choice of task move the score more than the seed does?"""
    told = {
        target: (one.task_sd, one.total_seed_sd) for target, one in split.spreads.items() if one.task_sd is not None
    }
    if not told:
        return (
            "Whether the choice of task moves the score more than the seed does cannot be told: no target has two "
            "tasks with the same two seeds."
        )
    more = [target for target, (task, seed) in told.items() if seed is not None and task is not None and task > seed]
    less = [target for target in told if target not in more]
    if not less:
        return (
            f"The choice of task moves the score more than the seed does on every target that can tell ({len(told)})."
        )
    if not more:
        return f"The choice of task moves the score more than the seed does on no target that can tell ({len(told)})."
    return (
        f"The choice of task moves the score more than the seed does on {len(more)} of {len(told)} targets; it does "
        f"not on {', '.join(less)}."
    )


def _describe_shares(split: AxisComparison) -> str:
    name = POOLED if POOLED in split.splits else next(iter(split.splits))
    one = split.splits[name]
    parts = sorted(((part.share, factor) for factor, part in one.parts.items()), reverse=True)
    said = ", ".join(f"{_name_axis(factor)} {100 * share:.0f}%" for share, factor in parts if share >= MIN_SHARE)
    where = "Over all targets, each centred on its mean" if name == POOLED else f"On {name}"
    rest = f"{100 * one.residual_share:.0f}% to interactions and noise"
    return f"{where}, the variance of the scores goes to {said or 'no axis'}; {rest}."


def _build_spread_table(split: AxisComparison) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn("tasks", "count"),
        GridColumn("seeds", "count"),
        GridColumn("sd over tasks", "points"),
        GridColumn("sd over seeds, all", "points"),
        GridColumn("common to tasks", "points"),
        GridColumn("noise", "points"),
        GridColumn("more by"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for target, one in split.spreads.items():
        if one.task_sd is None or one.total_seed_sd is None:
            rows.append((target, one.task_count, one.seed_count, None, None, None, None, "cannot be told"))
        else:
            numbers = (GridNumber(value=value) for value in (one.task_sd, one.total_seed_sd, one.seed_sd, one.noise_sd))
            rows.append(
                (
                    target,
                    one.task_count,
                    one.seed_count,
                    *numbers,
                    "task" if one.task_sd > one.total_seed_sd else "seed",
                )
            )
    return Grid("The scores that count, mean over languages: how far task and seed move them", columns, tuple(rows))


def _build_share_table(split: AxisComparison) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn("scores", "count"),
        *(GridColumn(_name_axis(factor), "share") for factor in FACTORS),
        GridColumn("shared", "share"),
        GridColumn("interactions and noise", "share"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for name, one in split.splits.items():
        parts = (
            GridNumber(value=one.parts[factor].share, parts=one.parts[factor].levels) if factor in one.parts else None
            for factor in FACTORS
        )
        rows.append(
            (
                name,
                split.score_counts[name],
                *parts,
                GridNumber(value=one.shared_share),
                GridNumber(value=one.residual_share),
            )
        )
    return Grid("All finished runs in every language: shares of the variance", columns, tuple(rows))


def _build_importance_table(split: AxisComparison) -> Grid:
    columns = (GridColumn("target"), *(GridColumn(_name_axis(factor), "share") for factor in FACTORS))
    rows = tuple(
        (name, *(GridNumber(value=one[factor]) if factor in one else None for factor in FACTORS))
        for name, one in split.importances.items()
    )
    return Grid("The same scores: Optuna's importances (PED-ANOVA)", columns, rows)


def _explain_tables(split: AxisComparison) -> tuple[str, ...]:
    return (
        f"Tasks: {', '.join(split.tasks)}. Controls and floors are no choices, and in no table here.",
        f"Standard deviations are over new tasks and new seeds (method of moments, from the tasks that have every "
        f"seed; a negative variance is 0). Another seed moves a score by what is common to all tasks and by the "
        f"noise; it moves a gain over `{NONE}`, which is paired, by the noise of two scores. From few seeds they are "
        "rough.",
        "Shares of the variance are of main effects, each beyond all others; what several explain but none alone is "
        "shared (below 0 if they hide each other). That a task helps one language or target and not another is no "
        "main effect: pooled, only what holds for all targets counts as task. An axis with more levels gets more by "
        "chance alone.",
        "Optuna's importances ask another question, which axis decides whether a score is among the best tenth. They "
        "add up to 100% whatever the noise.",
    )


def _list_missing(split: AxisComparison) -> tuple[str, ...]:
    if not split.missing_runs:
        return ()
    said = ", ".join(f"{count} {status}" for status, count in split.missing_runs.items())
    return (
        f"Runs that have no score, and so are in no share: {said}. What was stopped is not missing by chance: it was "
        "the poor learning rates, judged on English dev. So the rate's share is too small and the others' are too "
        "large; a sweep without early stopping shows them whole.",
    )


def _name_axis(factor: str) -> str:
    return {"intermediate": "task", "learning_rate": "learning rate"}.get(factor, factor)
