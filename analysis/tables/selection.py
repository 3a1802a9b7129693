"""The tables of selection.py: decisions by English dev, and early stopping replayed."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.arms import INTERMEDIATE_RUNS
from analysis.questions.judging import ALL_TARGETS, RegretsByTarget, TaskJudgement, gain_of_oracle, gain_of_taken
from analysis.questions.stopping import ALL_STRATA, StoppingJudgement
from analysis.questions.target_dev import TargetOracle
from analysis.statistics.decisions import RANDOM_REGRET, RANK_CORRELATION, REGRET, DecisionSet
from analysis.statistics.moments import Array
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import CORRELATION_BOUNDS, number_or_none, summarise_seeds
from spaces.halving import RUNGS
from spaces.stage import TENTHS

NON_NEGATIVE = (0.0, np.inf)


def build_regret_table(title: str, regrets: RegretsByTarget) -> Grid:
    """Return what the decisions lost, by target and over all targets."""
    columns = (
        GridColumn("target"),
        GridColumn("decisions", "count"),
        GridColumn("best taken", "share"),
        GridColumn("lost to the oracle", "points", interval=True),
        GridColumn("lost blindly", "points"),
        GridColumn("most lost", "points"),
        GridColumn("rank correlation", "correlation"),
        GridColumn("where: taken for best"),
    )
    rows: list[GridRow] = []
    for name, decisions in regrets.items():
        worst, count = decisions.worst_decision, len(decisions.decisions)
        chosen, oracle = worst.alternatives[worst.chosen_index], worst.alternatives[worst.oracle_index]
        example = f"{worst.group}: " * bool(worst.group) + f"{chosen} for {oracle}, seed {worst.seed}"
        lost = summarise_seeds(decisions.average_by_seed(REGRET), bounds=NON_NEGATIVE)
        blind, correlation = summarise_seeds(decisions.average_by_seed(RANDOM_REGRET)), _correlate(decisions)
        share, most = GridNumber(value=decisions.correct_count / count), GridNumber(value=worst.regret)
        rows.append((name, count, share, lost, blind, most, correlation, example if chosen != oracle else ""))
    return Grid(title, columns, tuple(rows))


def _order_numbers(tasks: TaskJudgement, name: str, *, by_target: bool = False) -> tuple[GridNumber, ...]:
    """Return both correlations and both gains, over seeds or over targets."""
    decisions, english_test = tasks.regrets[name], tasks.english_test_regrets.get(name)
    mean = decisions.average_by_target if by_target else decisions.average_by_seed
    gains = (summarise_seeds(mean(gain)) for gain in (gain_of_taken, gain_of_oracle))
    return _correlate(decisions, by_target=by_target), _correlate(english_test, by_target=by_target), *gains


def _correlate(decisions: DecisionSet | None, *, by_target: bool = False) -> GridNumber:
    if decisions is None:
        return summarise_seeds((), bounds=CORRELATION_BOUNDS)
    mean = decisions.average_by_target if by_target else decisions.average_by_seed
    return summarise_seeds(mean(RANK_CORRELATION), bounds=CORRELATION_BOUNDS)


def build_order_table(tasks: TaskJudgement) -> Grid:
    """Return how English orders the tasks by target, and the gain of the task it puts first."""
    columns = (
        GridColumn("target"),
        GridColumn("dev with others", "correlation", interval=True),
        GridColumn("English test with others", "correlation", interval=True),
        GridColumn("gain of what dev takes", "difference", interval=True),
        GridColumn("gain of the oracle", "difference", interval=True),
        GridColumn("missing scores", "count"),
    )
    missing = {**tasks.missing_counts, ALL_TARGETS: sum(tasks.missing_counts.values())}
    rows: list[GridRow] = [(name, *_order_numbers(tasks, name), missing[name]) for name in tasks.regrets]
    if ALL_TARGETS in tasks.regrets:
        rows.append(("over targets, not seeds", *_order_numbers(tasks, ALL_TARGETS, by_target=True), None))
    title = "Intermediate tasks: their order by English, and what is gained over the baseline"
    return Grid(title, columns, tuple(rows))


def average_gains(oracles: Sequence[TargetOracle]) -> Array:
    """Return the mean gain over the targets at each seed; NaN at a seed that lacks a target."""
    return np.asarray(np.mean([oracle.gains for oracle in oracles], axis=0))


def build_oracle_table(oracles: Sequence[TargetOracle]) -> Grid:
    """Return what choices by target-language dev give beside those by English dev."""
    columns = (
        GridColumn("target"),
        GridColumn("gain of the oracle", "difference", interval=True),
        GridColumn("best task by English dev"),
        GridColumn("by target-language dev"),
        GridColumn("changes"),
    )
    rows: list[GridRow] = [
        (
            each.target,
            summarise_seeds(each.gains),
            each.english_task,
            each.oracle_task,
            "yes" if each.changes_task else "no",
        )
        for each in oracles
    ]
    changed = f"{sum(each.changes_task for each in oracles)} of {len(oracles)}"
    rows.append((ALL_TARGETS, summarise_seeds(average_gains(oracles)), "", "", changed))
    title = "An oracle: rate and task by dev in the target languages, above the choice by English dev"
    return Grid(title, columns, tuple(rows))


def build_leader_table(stopping: StoppingJudgement) -> Grid:
    """Return what the leader after each tenth is worth at the end."""
    columns = (
        GridColumn("tenth"),
        GridColumn("strata", "count"),
        GridColumn("leader is best at the end", "share"),
        GridColumn("points of dev lost", "points"),
        GridColumn("most lost", "points"),
        GridColumn("lost by intermediate runs", "points"),
    )
    rows: list[GridRow] = []
    for tenth, regrets in stopping.leader_regrets.items():
        lost = [decision.regret for decision in regrets[ALL_STRATA].decisions]
        intermediate = regrets.get(INTERMEDIATE_RUNS)
        upstream = average([decision.regret for decision in intermediate.decisions]) if intermediate else None
        numbers = (regrets[ALL_STRATA].correct_count / len(lost), average(lost), max(lost), upstream)
        rows.append((str(tenth), len(lost), *map(number_or_none, numbers)))
    return Grid("Early stopping: had the run that leads after some tenths been taken", columns, tuple(rows))


def build_halving_table(stopping: StoppingJudgement) -> Grid:
    """Return what halving at the rungs of the search would have lost and saved."""
    columns = (
        GridColumn("target"),
        GridColumn("strata", "count"),
        GridColumn("best kept", "share"),
        GridColumn("points of dev lost", "points"),
        GridColumn("points elsewhere lost", "difference"),
        GridColumn("tenths trained", "share"),
    )
    names = dict.fromkeys(replay.stratum.target for replay in stopping.replays)
    rows: list[GridRow] = []
    for name in (*names, ALL_STRATA) if names else ():
        replays = [replay for replay in stopping.replays if name in (ALL_STRATA, replay.stratum.target)]
        dev_lost = [replay.dev_lost for replay in replays]
        zero_shot = [replay.zero_shot_lost for replay in replays if np.isfinite(replay.zero_shot_lost)]
        trained = average([replay.trained_share for replay in replays])
        kept = average([float(lost <= 0) for lost in dev_lost])
        numbers = (kept, average(dev_lost), average(zero_shot) if zero_shot else None, trained)
        rows.append((name, len(replays), *map(number_or_none, numbers)))
    title = f"Early stopping: halving at {' and '.join(map(str, RUNGS))} of {TENTHS} tenths, replayed"
    return Grid(title, columns, tuple(rows))


def average(values: Sequence[float]) -> float:
    """Return the mean of one number or more."""
    return float(np.mean(values))
