"""The tables of selection.py: decisions by English dev, and early stopping replayed."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.arms import INTERMEDIATE_RUNS
from analysis.questions.judging import ALL_TARGETS, RegretsByTarget, TaskJudgement, gain_of_oracle, gain_of_taken
from analysis.questions.stopping import ALL_STRATA, StoppingJudgement
from analysis.statistics.decisions import RANDOM_REGRET, RANK_CORRELATION, REGRET
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import summarise_seeds
from spaces.halving import RUNGS
from spaces.stage import TENTHS

NON_NEGATIVE = (0.0, np.inf)
CORRELATION_BOUNDS = (-1.0, 1.0)


def build_regret_table(title: str, together: RegretsByTarget) -> Grid:
    """What was lost by target, and by all."""
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
    rows: list[tuple[GridValue, ...]] = []
    for name, one in together.items():
        worst = one.worst_decision
        where = (
            f"{worst.alternatives[worst.chosen_index]} for {worst.alternatives[worst.oracle_index]}, seed {worst.seed}"
        )
        where = f"{worst.group}: {where}" if worst.group else where
        rows.append(
            (
                name,
                len(one.decisions),
                GridNumber(value=one.correct_count / len(one.decisions)),
                summarise_seeds(one.average_by_seed(REGRET), bounds=NON_NEGATIVE),
                summarise_seeds(one.average_by_seed(RANDOM_REGRET)),
                GridNumber(value=worst.regret),
                summarise_seeds(one.average_by_seed(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                where if worst.oracle_index != worst.chosen_index else "",
            )
        )
    return Grid(title, columns, tuple(rows))


def build_order_table(tasks: TaskJudgement) -> Grid:
    """How English orders the tasks, and what taking the first of them gains."""
    columns = (
        GridColumn("target"),
        GridColumn("dev with others", "correlation", interval=True),
        GridColumn("English test with others", "correlation", interval=True),
        GridColumn("gain of what dev takes", "difference", interval=True),
        GridColumn("gain of the oracle", "difference", interval=True),
        GridColumn("missing scores", "count"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for name, one in tasks.regrets.items():
        english = tasks.english_test_regrets.get(name)
        rows.append(
            (
                name,
                summarise_seeds(one.average_by_seed(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                summarise_seeds(
                    english.average_by_seed(RANK_CORRELATION) if english else (), bounds=CORRELATION_BOUNDS
                ),
                summarise_seeds(one.average_by_seed(gain_of_taken)),
                summarise_seeds(one.average_by_seed(gain_of_oracle)),
                sum(tasks.missing_counts.values()) if name == ALL_TARGETS else tasks.missing_counts[name],
            )
        )
    if ALL_TARGETS in tasks.regrets:
        every, english = tasks.regrets[ALL_TARGETS], tasks.english_test_regrets.get(ALL_TARGETS)
        rows.append(
            (
                "over targets, not seeds",
                summarise_seeds(every.average_by_target(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                summarise_seeds(
                    english.average_by_target(RANK_CORRELATION) if english else (), bounds=CORRELATION_BOUNDS
                ),
                summarise_seeds(every.average_by_target(gain_of_taken)),
                summarise_seeds(every.average_by_target(gain_of_oracle)),
                None,
            )
        )
    return Grid(
        "Intermediate tasks: their order by English, and what is gained over the baseline", columns, tuple(rows)
    )


def build_leader_table(stopping: StoppingJudgement) -> Grid:
    """What the run that leads after some tenths is worth at the end, tenth by tenth."""
    columns = (
        GridColumn("tenth"),
        GridColumn("strata", "count"),
        GridColumn("leader is best at the end", "share"),
        GridColumn("points of dev lost", "points"),
        GridColumn("most lost", "points"),
        GridColumn("lost by intermediate runs", "points"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for tenth, decided in stopping.leader_regrets.items():
        one, upstream = decided[ALL_STRATA], decided.get(INTERMEDIATE_RUNS)
        points = [decision.regret for decision in one.decisions]
        rows.append(
            (
                str(tenth),
                len(points),
                GridNumber(value=one.correct_count / len(points)),
                GridNumber(value=average(points)),
                GridNumber(value=max(points)),
                GridNumber(value=average([decision.regret for decision in upstream.decisions])) if upstream else None,
            )
        )
    return Grid("Early stopping: had the run that leads after some tenths been taken", columns, tuple(rows))


def build_halving_table(stopping: StoppingJudgement) -> Grid:
    """What halving the runs at the rungs of the search would have lost and saved."""
    columns = (
        GridColumn("target"),
        GridColumn("strata", "count"),
        GridColumn("best kept", "share"),
        GridColumn("points of dev lost", "points"),
        GridColumn("points elsewhere lost", "difference"),
        GridColumn("tenths trained", "share"),
    )
    names = dict.fromkeys(replay.stratum.target for replay in stopping.replays)
    rows: list[tuple[GridValue, ...]] = []
    for name in (*names, ALL_STRATA) if names else ():
        group = [replay for replay in stopping.replays if name in (ALL_STRATA, replay.stratum.target)]
        elsewhere = [replay.zero_shot_lost for replay in group if np.isfinite(replay.zero_shot_lost)]
        rows.append(
            (
                name,
                len(group),
                GridNumber(value=sum(replay.dev_lost <= 0 for replay in group) / len(group)),
                GridNumber(value=average([replay.dev_lost for replay in group])),
                GridNumber(value=average(elsewhere)) if elsewhere else None,
                GridNumber(value=average([replay.trained_share for replay in group])),
            )
        )
    title = f"Early stopping: halving at {' and '.join(map(str, RUNGS))} of {TENTHS} tenths, replayed"
    return Grid(title, columns, tuple(rows))


def average(values: Sequence[float]) -> float:
    """The mean of one number or more."""
    return float(np.mean(values))
