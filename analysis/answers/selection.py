"""The printed answer of selection.py: English dev as a judge, and the cost of early stopping."""

import numpy as np

from analysis.questions.judging import ALL, Judged, Rates, Tasks
from analysis.questions.stopping import EVERY, Stopping
from analysis.statistics.decisions import BLIND, LOST, ORDER
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.tables.answer import Answer
from analysis.tables.regrets import halving, leaders, mean, orders, regrets
from analysis.tables.source import read_from
from analysis.transfer.array import Transfer
from spaces.halving import RUNGS

QUESTION = "Is English dev a good judge?"


def answer(found: Transfer, judged: Judged) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        answer=(_rates_said(judged.rates), _tasks_said(judged.tasks), _stopping_said(judged.stopping)),
        read=read_from(found.read),
        tables=tuple(
            table
            for table in (
                regrets("Learning rates: the best on English dev within a cell", judged.rates.regrets),
                regrets("Intermediate tasks: the best on English dev for a target, seed by seed", judged.tasks.regrets),
                orders(judged.tasks),
                leaders(judged.stopping),
                halving(judged.stopping),
            )
            if table.rows
        ),
        notes=(*_how_to_read(), *_missing(judged)),
    )


def _rates_said(rates: Rates) -> str:
    if ALL not in rates.regrets:
        return "Learning rates: no cell has two finished runs with English dev and test scores, so nothing can be said."
    every = rates.regrets[ALL]
    lost, blind = mean(every.by_seed(LOST)), mean(every.by_seed(BLIND))
    return (
        f"Learning rates: English dev took the best one for the other languages in {every.right} of "
        f"{len(every.decisions)} cells and lost {lost:.1f} points to the oracle on average, where a blind choice "
        f"would have lost {blind:.1f}."
    )


def _tasks_said(tasks: Tasks) -> str:
    if ALL not in tasks.regrets:
        return "Intermediate tasks: no target has two of them with English dev and test scores, so nothing can be said."
    every = tasks.regrets[ALL]
    lost, blind = mean(every.by_seed(LOST)), mean(every.by_seed(BLIND))
    order = every.by_seed(ORDER)
    said = f"order them alike with {mean(order):+.2f} (Spearman)" if order else "order nothing"
    return (
        f"Intermediate tasks: English dev and the mean over the other languages {said}; the task that English dev "
        f"takes loses {lost:.1f} points to the oracle, where a blind choice would lose {blind:.1f}."
    )


def _stopping_said(stopping: Stopping) -> str:
    if not stopping.replays:
        why = (
            f"strata with a run that was stopped or failed: {stopping.censored}, with one run: {stopping.single}, "
            f"without a score for every tenth: {stopping.curveless}"
        )
        return f"Early stopping: what it lost cannot be known here ({why}). A sweep without early stopping can tell."
    first = stopping.leaders[RUNGS[0]][EVERY]
    lost = np.array([replay.lost for replay in stopping.replays])
    return (
        f"Early stopping: the leader after {RUNGS[0]} tenths was the best at the end in {first.right} of "
        f"{len(first.decisions)} whole strata; halving at {' and '.join(map(str, RUNGS))} tenths would have kept the "
        f"best in {int((lost <= 0).sum())} and lost {lost.mean():.1f} points of English dev on average."
        + (
            f" Strata with runs that were stopped or failed cannot tell: {stopping.censored}."
            if stopping.censored
            else ""
        )
    )


def _how_to_read() -> tuple[str, ...]:
    return (
        "Points are the test mean over the languages other than English, but where dev is named. The oracle is the "
        "best by test: no method may use it, and since it is the best of noisy scores, what is lost to it is an upper "
        "bound. A blind choice is the mean over the options.",
        "Rank correlations are Spearman's within a decision, then the mean. With two or three rates one decision says "
        "next to nothing; the mean over many does.",
        f"Intervals: {LEVEL:.0%}, Student's t over seeds (or over targets, where it says so), with {FEWEST} or more.",
    )


def _missing(judged: Judged) -> tuple[str, ...]:
    rates, tasks, stops = judged.rates, judged.tasks, judged.stopping
    lines = []
    if rates.single or rates.partial or rates.censored:
        lines.append(
            f"Learning rates: {rates.censored} runs did not finish and are in no decision, so the oracle is the best "
            f"of those that did; {rates.single} cells with fewer than two finished runs and {rates.partial} in which a "
            f"run lacks English dev or a language are left out."
        )
    if tasks.blind:
        lines.append(
            f"No English dev for {', '.join(tasks.blind)}: nothing is trained there, so English dev can choose nothing."
        )
    short = {target: count for target, count in tasks.absent.items() if count}
    if short:
        lines.append(
            "Intermediate tasks that lack English dev or a language at a seed are no options there: "
            + ", ".join(f"{target} {count}" for target, count in short.items())
            + "."
        )
    if stops.censored and stops.replays:
        lines.append(
            f"Early stopping: {stops.censored} strata have runs that were stopped or failed, whose end nobody knows. "
            f"Those that are whole all the same are no random sample of all: for a fair figure run a sweep without "
            f"early stopping."
        )
    if stops.curveless:
        lines.append(f"Early stopping: {stops.curveless} strata have no score for some tenth and are left out.")
    return tuple(lines)
