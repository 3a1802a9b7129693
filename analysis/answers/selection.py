"""The answer of selection.py: English dev as a judge, and the cost of early stopping."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.judging import ALL_TARGETS, DevJudgement, RateJudgement, TaskJudgement
from analysis.questions.stopping import ALL_STRATA, StoppingJudgement
from analysis.questions.target_dev import TargetOracle
from analysis.statistics.decisions import RANDOM_REGRET, RANK_CORRELATION, REGRET, DecisionSet
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.tables import selection as tables
from analysis.tables.answer import Answer
from analysis.tables.numbers import format_interval, summarise_seeds
from analysis.tables.selection import average
from analysis.tables.source import describe_source, list_names, pluralise
from analysis.transfer.array import Transfer
from spaces.halving import RUNGS

QUESTION = "Is English dev a good judge?"


def build_answer(transfer: Transfer, judgement: DevJudgement) -> Answer:
    """Return the answer: English dev as a judge of rates and tasks, and the cost of early stopping."""
    rates, tasks, stopping = judgement.rates, judgement.tasks, judgement.stopping
    by_task = "Intermediate tasks: the best on English dev"
    return Answer(
        question=QUESTION,
        sentences=(
            _describe_rates(rates),
            _describe_tasks(tasks),
            _describe_oracle(judgement.oracles),
            _describe_stopping(stopping),
        ),
        source_lines=describe_source(transfer.loaded_scores),
        tables=(
            tables.build_regret_table("Learning rates: the best on English dev within a cell", rates.regrets),
            tables.build_regret_table(f"{by_task} for a target, seed by seed", tasks.regrets),
            tables.build_order_table(tasks),
            *([tables.build_oracle_table(judgement.oracles)] if judgement.oracles else []),
            tables.build_leader_table(stopping),
            tables.build_halving_table(stopping),
        ),
        notes=(*_explain_tables(), *_list_missing(judgement)),
    )


def _describe_rates(rates: RateJudgement) -> str:
    if ALL_TARGETS not in rates.regrets:
        return "Learning rates: no answer. No cell has two finished runs with English dev and test scores."
    decisions = rates.regrets[ALL_TARGETS]
    return (
        f"Learning rates: English dev chose the best one for the other languages in {decisions.correct_count} of "
        f"{len(decisions.decisions)} cells. {_describe_regret(decisions)}"
    )


def _describe_tasks(tasks: TaskJudgement) -> str:
    if ALL_TARGETS not in tasks.regrets:
        return "Intermediate tasks: no answer. No target has two of them with English dev and test scores."
    decisions = tasks.regrets[ALL_TARGETS]
    order = decisions.average_by_seed(RANK_CORRELATION)
    agreement = f"correlate at {average(order):+.2f} (Spearman)" if order else "cannot be correlated"
    return (
        f"Intermediate tasks: their orders by English dev and by the other languages {agreement}. "
        f"{_describe_regret(decisions)}"
    )


def _describe_regret(decisions: DecisionSet) -> str:
    lost, blind = (average(decisions.average_by_seed(measure)) for measure in (REGRET, RANDOM_REGRET))
    return (
        f"Choosing by English dev lost {lost:.1f} points on average against the best choice by test; a random choice "
        f"would have lost {blind:.1f}."
    )


def _describe_oracle(oracles: Sequence[TargetOracle]) -> str:
    if not oracles:
        return (
            "Target-language dev: not scored. Run the sweep's command with --target-dev, where the data have dev rows "
            "in other languages. Finished stages are not scored later: use another --results folder."
        )
    gain = summarise_seeds(tables.average_gains(oracles))
    value = (
        "cannot be compared at any seed" if gain.value is None else f"{gain.value:+.1f} points{format_interval(gain)}"
    )
    changed = [f"{each.target} ({each.english_task} -> {each.oracle_task})" for each in oracles if each.changes_task]
    tasks = f"changes for {list_names(changed, word='and')}" if changed else "is the same for every target"
    return (
        f"Target-language dev, an oracle that zero-shot transfer may not use: choosing rate and task by it instead of "
        f"English dev gives {value} in the other languages, over {pluralise(len(oracles), 'target')}. The best "
        f"intermediate task {tasks}."
    )


def _describe_stopping(stopping: StoppingJudgement) -> str:
    if not stopping.replays:
        reasons = (
            f"strata with a stopped or failed run: {stopping.censored_strata}, with one run: "
            f"{stopping.single_run_strata}, without a score for every tenth: {stopping.strata_without_curves}"
        )
        return f"Early stopping: its cost is unknown ({reasons}). A sweep without early stopping can measure it."
    first = stopping.leader_regrets[RUNGS[0]][ALL_STRATA]
    lost = np.array([replay.dev_lost for replay in stopping.replays])
    censored = stopping.censored_strata
    left_out = f" Strata left out because of a stopped or failed run: {censored}." if censored else ""
    return (
        f"Early stopping: the leader after {RUNGS[0]} tenths was the best at the end in {first.correct_count} of "
        f"{len(first.decisions)} strata. Halving at {' and '.join(map(str, RUNGS))} tenths would have kept the best in "
        f"{int((lost <= 0).sum())} and lost {lost.mean():.1f} points of English dev on average.{left_out}"
    )


def _explain_tables() -> tuple[str, ...]:
    return (
        "Points are the test mean over the languages other than English, unless dev is named. The oracle is the best "
        "by test. No method may use it, and as the best of noisy scores it overstates what is lost. A blind choice "
        "is a random one: the mean over the options.",
        "Rank correlations are Spearman's within a decision, then the mean. With two or three rates a single decision "
        "says almost nothing; the mean over many does.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over {MIN_SEEDS} or more seeds (or targets, where stated).",
    )


def _list_missing(judgement: DevJudgement) -> tuple[str, ...]:
    rates, tasks, stopping = judgement.rates, judgement.tasks, judgement.stopping
    lines = []
    if rates.single_run_cells or rates.partial_cells or rates.censored_runs:
        lines.append(
            f"Learning rates: {rates.censored_runs} runs did not finish and are in no decision, so the oracle is the "
            f"best of the others. Left out: {rates.single_run_cells} cells with fewer than two finished runs, and "
            f"{rates.partial_cells} in which a run lacks English dev or a language."
        )
    if targets := tasks.targets_without_dev:
        lines.append(f"English dev cannot choose for {list_names(targets)}: nothing is trained there.")
    missing = {target: count for target, count in tasks.missing_counts.items() if count}
    if missing:
        counts = list_names(f"{target} {count}" for target, count in missing.items())
        lines.append(
            f"Intermediate tasks that lack English dev or a language at a seed are no options there: {counts}."
        )
    if stopping.censored_strata and stopping.replays:
        lines.append(
            f"Early stopping: {stopping.censored_strata} strata have a stopped or failed run, whose end is unknown. "
            "The complete strata are not a random sample. For a fair figure, run a sweep without early stopping."
        )
    if stopping.strata_without_curves:
        lines.append(
            f"Early stopping: {stopping.strata_without_curves} strata lack a score for some tenth and are left out."
        )
    return tuple(lines)
