"""The tables of selection.py: decisions by English dev, and early stopping replayed."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.arms import INTERMEDIATE_RUNS
from analysis.questions.judging import ALL_TARGETS, RegretsByTarget, TaskJudgement, gain_of_oracle, gain_of_taken
from analysis.questions.stopping import ALL_STRATA, StoppingJudgement
from analysis.statistics.decisions import RANDOM_REGRET, RANK_CORRELATION, REGRET
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import CORRELATION_BOUNDS, summarise_seeds
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
    rows: list[tuple[GridValue, ...]] = []
    for name, decisions in regrets.items():
        worst = decisions.worst_decision
        example = (
            f"{worst.alternatives[worst.chosen_index]} for {worst.alternatives[worst.oracle_index]}, seed {worst.seed}"
        )
        example = f"{worst.group}: {example}" if worst.group else example
        rows.append(
            (
                name,
                len(decisions.decisions),
                GridNumber(value=decisions.correct_count / len(decisions.decisions)),
                summarise_seeds(decisions.average_by_seed(REGRET), bounds=NON_NEGATIVE),
                summarise_seeds(decisions.average_by_seed(RANDOM_REGRET)),
                GridNumber(value=worst.regret),
                summarise_seeds(decisions.average_by_seed(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                example if worst.oracle_index != worst.chosen_index else "",
            )
        )
    return Grid(title, columns, tuple(rows))


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
    rows: list[tuple[GridValue, ...]] = []
    for name, decisions in tasks.regrets.items():
        english_test = tasks.english_test_regrets.get(name)
        rows.append(
            (
                name,
                summarise_seeds(decisions.average_by_seed(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                summarise_seeds(
                    english_test.average_by_seed(RANK_CORRELATION) if english_test else (), bounds=CORRELATION_BOUNDS
                ),
                summarise_seeds(decisions.average_by_seed(gain_of_taken)),
                summarise_seeds(decisions.average_by_seed(gain_of_oracle)),
                sum(tasks.missing_counts.values()) if name == ALL_TARGETS else tasks.missing_counts[name],
            )
        )
    if ALL_TARGETS in tasks.regrets:
        all_targets, english_test = tasks.regrets[ALL_TARGETS], tasks.english_test_regrets.get(ALL_TARGETS)
        rows.append(
            (
                "over targets, not seeds",
                summarise_seeds(all_targets.average_by_target(RANK_CORRELATION), bounds=CORRELATION_BOUNDS),
                summarise_seeds(
                    english_test.average_by_target(RANK_CORRELATION) if english_test else (), bounds=CORRELATION_BOUNDS
                ),
                summarise_seeds(all_targets.average_by_target(gain_of_taken)),
                summarise_seeds(all_targets.average_by_target(gain_of_oracle)),
                None,
            )
        )
    return Grid(
        "Intermediate tasks: their order by English, and what is gained over the baseline", columns, tuple(rows)
    )


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
    rows: list[tuple[GridValue, ...]] = []
    for tenth, regrets in stopping.leader_regrets.items():
        all_strata, intermediate = regrets[ALL_STRATA], regrets.get(INTERMEDIATE_RUNS)
        lost = [decision.regret for decision in all_strata.decisions]
        rows.append(
            (
                str(tenth),
                len(lost),
                GridNumber(value=all_strata.correct_count / len(lost)),
                GridNumber(value=average(lost)),
                GridNumber(value=max(lost)),
                GridNumber(value=average([decision.regret for decision in intermediate.decisions]))
                if intermediate
                else None,
            )
        )
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
    rows: list[tuple[GridValue, ...]] = []
    for name in (*names, ALL_STRATA) if names else ():
        replays = [replay for replay in stopping.replays if name in (ALL_STRATA, replay.stratum.target)]
        zero_shot = [replay.zero_shot_lost for replay in replays if np.isfinite(replay.zero_shot_lost)]
        rows.append(
            (
                name,
                len(replays),
                GridNumber(value=sum(replay.dev_lost <= 0 for replay in replays) / len(replays)),
                GridNumber(value=average([replay.dev_lost for replay in replays])),
                GridNumber(value=average(zero_shot)) if zero_shot else None,
                GridNumber(value=average([replay.trained_share for replay in replays])),
            )
        )
    title = f"Early stopping: halving at {' and '.join(map(str, RUNGS))} of {TENTHS} tenths, replayed"
    return Grid(title, columns, tuple(rows))


def average(values: Sequence[float]) -> float:
    """Return the mean of one number or more."""
    return float(np.mean(values))
