"""The printed answer of axes.py: which axis of the search moves the score."""

from analysis.questions.factors import FACTORS, POOLED, Factors
from analysis.tables.answer import Answer
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.source import read_from
from analysis.transfer.array import Transfer
from spaces.chain import NONE

QUESTION = "Which axis of the search moves the score?"
LEAST = 0.005  # a share below it is not worth a sentence


def answer(found: Transfer, split: Factors) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        answer=(_verdict(split), _shares_said(split)),
        read=read_from(found.read),
        tables=(_spreads(split), _shares(split), _importances(split)),
        notes=(*_how_to_read(split), *_missing(split)),
    )


def _verdict(split: Factors) -> str:
    """Does the choice of task move the score more than the seed does?"""
    told = {target: (one.task, one.by_seed) for target, one in split.spreads.items() if one.task is not None}
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


def _shares_said(split: Factors) -> str:
    name = POOLED if POOLED in split.splits else next(iter(split.splits))
    one = split.splits[name]
    parts = sorted(((part.share, factor) for factor, part in one.parts.items()), reverse=True)
    said = ", ".join(f"{_word(factor)} {100 * share:.0f}%" for share, factor in parts if share >= LEAST)
    where = "Over all targets, each centred on its mean" if name == POOLED else f"On {name}"
    rest = f"{100 * one.rest:.0f}% to interactions and noise"
    return f"{where}, the variance of the scores goes to {said or 'no axis'}; {rest}."


def _spreads(split: Factors) -> Grid:
    columns = (
        Column("target"),
        Column("tasks", "count"),
        Column("seeds", "count"),
        Column("sd over tasks", "points"),
        Column("sd over seeds, all", "points"),
        Column("common to tasks", "points"),
        Column("noise", "points"),
        Column("more by"),
    )
    rows: list[tuple[Field, ...]] = []
    for target, one in split.spreads.items():
        if one.task is None or one.by_seed is None:
            rows.append((target, one.tasks, one.seeds, None, None, None, None, "cannot be told"))
        else:
            numbers = (Number(value=value) for value in (one.task, one.by_seed, one.seed, one.noise))
            rows.append((target, one.tasks, one.seeds, *numbers, "task" if one.task > one.by_seed else "seed"))
    return Grid("The scores that count, mean over languages: how far task and seed move them", columns, tuple(rows))


def _shares(split: Factors) -> Grid:
    columns = (
        Column("target"),
        Column("scores", "count"),
        *(Column(_word(factor), "share") for factor in FACTORS),
        Column("shared", "share"),
        Column("interactions and noise", "share"),
    )
    rows: list[tuple[Field, ...]] = []
    for name, one in split.splits.items():
        parts = (
            Number(value=one.parts[factor].share, parts=one.parts[factor].levels) if factor in one.parts else None
            for factor in FACTORS
        )
        rows.append((name, split.counts[name], *parts, Number(value=one.shared), Number(value=one.rest)))
    return Grid("All finished runs in every language: shares of the variance", columns, tuple(rows))


def _importances(split: Factors) -> Grid:
    columns = (Column("target"), *(Column(_word(factor), "share") for factor in FACTORS))
    rows = tuple(
        (name, *(Number(value=one[factor]) if factor in one else None for factor in FACTORS))
        for name, one in split.importances.items()
    )
    return Grid("The same scores: Optuna's importances (PED-ANOVA)", columns, rows)


def _how_to_read(split: Factors) -> tuple[str, ...]:
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


def _missing(split: Factors) -> tuple[str, ...]:
    if not split.missing:
        return ()
    said = ", ".join(f"{count} {status}" for status, count in split.missing.items())
    return (
        f"Runs that have no score, and so are in no share: {said}. What was stopped is not missing by chance: it was "
        "the poor learning rates, judged on English dev. So the rate's share is too small and the others' are too "
        "large; a sweep without early stopping shows them whole.",
    )


def _word(factor: str) -> str:
    return {"intermediate": "task", "learning_rate": "learning rate"}.get(factor, factor)
