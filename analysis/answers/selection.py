"""The printed answer of selection.py: English dev as a judge, and the cost of early stopping."""

import numpy as np

from analysis.questions.judging import ALL_TARGETS, DevJudgement, RateJudgement, TaskJudgement
from analysis.questions.stopping import ALL_STRATA, StoppingJudgement
from analysis.statistics.decisions import RANDOM_REGRET, RANK_CORRELATION, REGRET
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.tables.answer import Answer
from analysis.tables.selection import (
    average,
    build_halving_table,
    build_leader_table,
    build_order_table,
    build_regret_table,
)
from analysis.tables.source import describe_source
from analysis.transfer.array import Transfer
from spaces.halving import RUNGS

QUESTION = "Is English dev a good judge?"


def build_answer(found: Transfer, judged: DevJudgement) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        sentences=(_describe_rates(judged.rates), _describe_tasks(judged.tasks), _describe_stopping(judged.stopping)),
        source_lines=describe_source(found.loaded_scores),
        tables=tuple(
            table
            for table in (
                build_regret_table("Learning rates: the best on English dev within a cell", judged.rates.regrets),
                build_regret_table(
                    "Intermediate tasks: the best on English dev for a target, seed by seed", judged.tasks.regrets
                ),
                build_order_table(judged.tasks),
                build_leader_table(judged.stopping),
                build_halving_table(judged.stopping),
            )
            if table.rows
        ),
        notes=(*_explain_tables(), *_list_missing(judged)),
    )


def _describe_rates(rates: RateJudgement) -> str:
    if ALL_TARGETS not in rates.regrets:
        return "Learning rates: no cell has two finished runs with English dev and test scores, so nothing can be said."
    every = rates.regrets[ALL_TARGETS]
    lost, blind = average(every.average_by_seed(REGRET)), average(every.average_by_seed(RANDOM_REGRET))
    return (
        f"Learning rates: English dev took the best one for the other languages in {every.correct_count} of "
        f"{len(every.decisions)} cells and lost {lost:.1f} points to the oracle on average, where a blind choice "
        f"would have lost {blind:.1f}."
    )


def _describe_tasks(tasks: TaskJudgement) -> str:
    if ALL_TARGETS not in tasks.regrets:
        return "Intermediate tasks: no target has two of them with English dev and test scores, so nothing can be said."
    every = tasks.regrets[ALL_TARGETS]
    lost, blind = average(every.average_by_seed(REGRET)), average(every.average_by_seed(RANDOM_REGRET))
    order = every.average_by_seed(RANK_CORRELATION)
    said = f"order them alike with {average(order):+.2f} (Spearman)" if order else "order nothing"
    return (
        f"Intermediate tasks: English dev and the mean over the other languages {said}; the task that English dev "
        f"takes loses {lost:.1f} points to the oracle, where a blind choice would lose {blind:.1f}."
    )


def _describe_stopping(stopping: StoppingJudgement) -> str:
    if not stopping.replays:
        why = (
            f"strata with a run that was stopped or failed: {stopping.censored_strata}, with one run: {stopping.single_run_strata}, "
            f"without a score for every tenth: {stopping.strata_without_curves}"
        )
        return f"Early stopping: what it lost cannot be known here ({why}). A sweep without early stopping can tell."
    first = stopping.leader_regrets[RUNGS[0]][ALL_STRATA]
    lost = np.array([replay.dev_lost for replay in stopping.replays])
    return (
        f"Early stopping: the leader after {RUNGS[0]} tenths was the best at the end in {first.correct_count} of "
        f"{len(first.decisions)} whole strata; halving at {' and '.join(map(str, RUNGS))} tenths would have kept the "
        f"best in {int((lost <= 0).sum())} and lost {lost.mean():.1f} points of English dev on average."
        + (
            f" Strata with runs that were stopped or failed cannot tell: {stopping.censored_strata}."
            if stopping.censored_strata
            else ""
        )
    )


def _explain_tables() -> tuple[str, ...]:
    return (
        "Points are the test mean over the languages other than English, but where dev is named. The oracle is the "
        "best by test: no method may use it, and since it is the best of noisy scores, what is lost to it is an upper "
        "bound. A blind choice is the mean over the options.",
        "Rank correlations are Spearman's within a decision, then the mean. With two or three rates one decision says "
        "next to nothing; the mean over many does.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds (or over targets, where it says so), with {MIN_SEEDS} or more.",
    )


def _list_missing(judged: DevJudgement) -> tuple[str, ...]:
    rates, tasks, stops = judged.rates, judged.tasks, judged.stopping
    lines = []
    if rates.single_run_cells or rates.partial_cells or rates.censored_runs:
        lines.append(
            f"Learning rates: {rates.censored_runs} runs did not finish and are in no decision, so the oracle is the best "
            f"of those that did; {rates.single_run_cells} cells with fewer than two finished runs and {rates.partial_cells} in which a "
            f"run lacks English dev or a language are left out."
        )
    if tasks.targets_without_dev:
        lines.append(
            f"No English dev for {', '.join(tasks.targets_without_dev)}: nothing is trained there, so English dev can choose nothing."
        )
    short = {target: count for target, count in tasks.missing_counts.items() if count}
    if short:
        lines.append(
            "Intermediate tasks that lack English dev or a language at a seed are no options there: "
            + ", ".join(f"{target} {count}" for target, count in short.items())
            + "."
        )
    if stops.censored_strata and stops.replays:
        lines.append(
            f"Early stopping: {stops.censored_strata} strata have runs that were stopped or failed, whose end nobody knows. "
            f"Those that are whole all the same are no random sample of all: for a fair figure run a sweep without "
            f"early stopping."
        )
    if stops.strata_without_curves:
        lines.append(
            f"Early stopping: {stops.strata_without_curves} strata have no score for some tenth and are left out."
        )
    return tuple(lines)
