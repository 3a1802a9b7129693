"""Is English dev a good judge? What its choices of a learning rate and of an intermediate task lost elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from analysis.questions.arms import INTERMEDIATE_RUNS, ArmStratum, collect_strata
from analysis.questions.stopping import StoppingJudgement, judge_stopping
from analysis.scores.choose import select_winners
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.decisions import Decision, DecisionSet, group_by_target
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.language import ENGLISH

ALL_TARGETS = "all targets"

RegretsByTarget = Mapping[str, DecisionSet]  # target -> its decisions; ALL -> every one


@dataclass(frozen=True, slots=True, kw_only=True)
class RateJudgement:
    """The choice of a learning rate within a cell."""

    regrets: RegretsByTarget
    single_run_cells: int  # cells with fewer than two finished runs: nothing to choose between
    partial_cells: int  # cells in which a finished run lacks English dev or a language
    censored_runs: int  # runs that did not finish, and so are in no decision


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskJudgement:
    """The choice of an intermediate task for a target, at every seed.

    `candidates` are the baseline and the intermediates that are no controls; a decision is between those that have
    their numbers at its seed.
    """

    candidates: tuple[str, ...]
    regrets: RegretsByTarget  # by English dev
    english_test_regrets: RegretsByTarget  # as if by English test, which no method may see
    missing_counts: Mapping[str, int]  # target -> how many numbers are missing, of candidates x seeds
    targets_without_dev: tuple[str, ...]  # targets without English dev: nothing is trained there


@dataclass(frozen=True, slots=True, kw_only=True)
class DevJudgement:
    """The three uses of English dev in a search: which rate, which task, and when to stop."""

    rates: RateJudgement
    tasks: TaskJudgement
    stopping: StoppingJudgement


def judge_dev_selection(found: Transfer) -> DevJudgement:
    """What English dev's choices lost on the other languages.

    Raises:
        UsageError: there is no English dev score of a target.
    """
    dev = found.loaded_scores.target_rows.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH)
    if dev["value"].drop_nulls().is_empty():
        raise UsageError(
            f"{found.loaded_scores.source} has no English dev scores of targets: there is nothing to judge."
        )
    order = {target: place for place, target in enumerate((INTERMEDIATE_RUNS, *found.targets))}
    arms = sorted(collect_strata(found), key=lambda one: order[one.target])
    return DevJudgement(rates=judge_rates(arms), tasks=judge_tasks(found), stopping=judge_stopping(arms))


def judge_rates(strata: Iterable[ArmStratum]) -> RateJudgement:
    """Does the learning rate with the best English dev have the best mean over the other languages?"""
    cells = [stratum for stratum in strata if stratum.target != INTERMEDIATE_RUNS]
    rivals = [stratum for stratum in cells if len(stratum.rates) > 1]
    decisions = [
        Decision(
            target=stratum.target,
            seed=stratum.seed,
            group=stratum.intermediate,
            alternatives=tuple(f"{rate:g}" for rate in stratum.rates),
            criterion=stratum.dev,
            utility=stratum.zero_shot,
        )
        for stratum in rivals
        if np.isfinite([stratum.dev, stratum.zero_shot]).all()
    ]
    return RateJudgement(
        regrets=group_by_target(decisions, ALL_TARGETS),
        single_run_cells=len(cells) - len(rivals),
        partial_cells=len(rivals) - len(decisions),
        censored_runs=sum(stratum.censored for stratum in cells),
    )


def judge_tasks(found: Transfer) -> TaskJudgement:
    """Does the intermediate task with the best English dev have the best mean over the other languages?"""
    candidates = (NONE, *(name for name in found.intermediates if name not in found.loaded_scores.controls))
    dev = collect_dev_scores(found, candidates)
    english, others = _collect_test_scores(found, candidates)
    blind = tuple(target for t, target in enumerate(found.targets) if not np.isfinite(dev[:, t]).any())
    absent = ~np.isfinite(dev + others)
    return TaskJudgement(
        candidates=candidates,
        regrets=group_by_target(_build_decisions(found, candidates, dev, others), ALL_TARGETS),
        english_test_regrets=group_by_target(_build_decisions(found, candidates, english, others), ALL_TARGETS),
        missing_counts={
            target: int(absent[:, t].sum()) for t, target in enumerate(found.targets) if target not in blind
        },
        targets_without_dev=blind,
    )


def gain_of_taken(one: Decision) -> float | None:
    """What the task that was taken has over the baseline, in points; None where that is not there."""
    return float(one.utility[one.chosen_index] - one.utility[0]) if one.alternatives[0] == NONE else None


def gain_of_oracle(one: Decision) -> float | None:
    """What the oracle has over the baseline, in points; None where that is not there."""
    return float(one.utility.max() - one.utility[0]) if one.alternatives[0] == NONE else None


def _build_decisions(found: Transfer, candidates: tuple[str, ...], seen: Array, worth: Array) -> Iterator[Decision]:
    """One per target and seed with two candidates that have both numbers, of arrays candidates x targets x seeds."""
    for (t, target), (s, seed) in product(enumerate(found.targets), enumerate(found.seeds)):
        whole = np.isfinite(seen[:, t, s] + worth[:, t, s])
        if whole.sum() > 1:
            options = tuple(name for name, there in zip(candidates, whole, strict=True) if there)
            yield Decision(
                target=target, seed=seed, alternatives=options, criterion=seen[whole, t, s], utility=worth[whole, t, s]
            )


def collect_dev_scores(found: Transfer, candidates: tuple[str, ...]) -> Array:
    """English dev of the run that counts, in points: candidates x targets x seeds."""
    dev = np.full((len(candidates), len(found.targets), len(found.seeds)), np.nan)
    for name, target, seed, value in (
        select_winners(found.runs).select(*CELL_COLUMNS, "dev").drop_nulls("dev").iter_rows()
    ):
        if name in candidates:
            dev[candidates.index(name), found.targets.index(target), found.seeds.index(seed)] = value * POINTS_PER_SHARE
    return dev


def _collect_test_scores(found: Transfer, candidates: tuple[str, ...]) -> tuple[Array, Array]:
    """English test, and the mean over the others where all of the target's are there; shaped as `dev_scores`."""
    scores = found.scores[[found.chains.index(name) for name in candidates]]
    foreign = np.array([language != ENGLISH for language in found.languages], np.bool_)
    asked = found.scored_mask & foreign  # targets x languages
    there = (np.isfinite(scores) & asked[None, :, :, None]).sum(axis=2)
    total = np.nansum(np.where(asked[None, :, :, None], scores, np.nan), axis=2)
    whole = (there == asked.sum(axis=1)[None, :, None]) & (there > 0)
    others = np.divide(total, there, out=np.full(total.shape, np.nan), where=whole)
    if foreign.all():
        return np.full(others.shape, np.nan), others
    return scores[:, :, found.languages.index(ENGLISH)], others
