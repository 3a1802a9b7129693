"""Is English dev a good judge? What its choices of learning rate and intermediate task lost in other languages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, product

import numpy as np
import polars as pl

from analysis.questions.arms import INTERMEDIATE_RUNS, ArmStratum, collect_strata
from analysis.questions.chains import list_candidates
from analysis.questions.stopping import StoppingJudgement, judge_stopping
from analysis.questions.target_dev import TargetOracle, judge_target_dev
from analysis.questions.target_scores import collect_dev_scores
from analysis.statistics.decisions import Decision, DecisionSet, group_by_target
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.language import ENGLISH

ALL_TARGETS = "all targets"

RegretsByTarget = Mapping[str, DecisionSet]  # target -> its decisions; ALL_TARGETS -> all of them


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

    `candidates` are the baseline and the intermediate tasks that are no controls. A decision is between the candidates
    that have their numbers at its seed.
    """

    candidates: tuple[str, ...]
    regrets: RegretsByTarget  # by English dev
    english_test_regrets: RegretsByTarget  # if English test chose, which no method may use
    missing_counts: Mapping[str, int]  # target -> how many numbers are missing, of candidates x seeds
    targets_without_dev: tuple[str, ...]  # targets without English dev: nothing is trained there


@dataclass(frozen=True, slots=True, kw_only=True)
class DevJudgement:
    """The three uses of English dev in a search: choosing the rate, choosing the task, stopping early.

    `oracles` are the choices by target-language dev beside those by English dev; empty without such scores.
    """

    rates: RateJudgement
    tasks: TaskJudgement
    stopping: StoppingJudgement
    oracles: tuple[TargetOracle, ...] = ()


def judge_dev_selection(transfer: Transfer) -> DevJudgement:
    """Return what choices by English dev lost in other languages; raise UsageError if no target has a dev score."""
    dev = transfer.loaded_scores.target_rows.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH)
    if dev["value"].drop_nulls().is_empty():
        raise UsageError(f"{transfer.loaded_scores.source} has no English dev scores of targets: nothing to judge.")
    order = {target: index for index, target in enumerate((INTERMEDIATE_RUNS, *transfer.targets))}
    arms = sorted(collect_strata(transfer), key=lambda stratum: order[stratum.target])
    return DevJudgement(
        rates=judge_rates(arms),
        tasks=judge_tasks(transfer),
        stopping=judge_stopping(arms),
        oracles=judge_target_dev(transfer),
    )


def judge_rates(strata: Iterable[ArmStratum]) -> RateJudgement:
    """Compare the learning rate with the best English dev to the best one for the other languages, by cell."""
    cells = [stratum for stratum in strata if stratum.target != INTERMEDIATE_RUNS]
    rivals = [stratum for stratum in cells if len(stratum.rates) > 1]
    decisions = [
        stratum.decide(stratum.dev, stratum.zero_shot)
        for stratum in rivals
        if np.isfinite([stratum.dev, stratum.zero_shot]).all()
    ]
    return RateJudgement(
        regrets=group_by_target(decisions, ALL_TARGETS),
        single_run_cells=len(cells) - len(rivals),
        partial_cells=len(rivals) - len(decisions),
        censored_runs=sum(stratum.censored for stratum in cells),
    )


def judge_tasks(transfer: Transfer) -> TaskJudgement:
    """Compare the intermediate task with the best English dev to the best one for the other languages, by target."""
    candidates = (NONE, *list_candidates(transfer))
    dev = collect_dev_scores(transfer, candidates)
    english_test, zero_shot = _collect_test_scores(transfer, candidates)
    without_dev = tuple(target for t, target in enumerate(transfer.targets) if not np.isfinite(dev[:, t]).any())
    is_missing = ~np.isfinite(dev + zero_shot)
    missing_counts = dict(zip(transfer.targets, is_missing.sum(axis=(0, 2)).tolist(), strict=True))
    regrets, english_test_regrets = (
        group_by_target(_build_decisions(transfer, candidates, criterion, zero_shot), ALL_TARGETS)
        for criterion in (dev, english_test)
    )
    return TaskJudgement(
        candidates=candidates,
        regrets=regrets,
        english_test_regrets=english_test_regrets,
        missing_counts={target: count for target, count in missing_counts.items() if target not in without_dev},
        targets_without_dev=without_dev,
    )


def gain_of_taken(decision: Decision) -> float | None:
    """Return the gain of the chosen task over the baseline, in points; None without a baseline."""
    return _gain_of(decision, decision.chosen_index)


def gain_of_oracle(decision: Decision) -> float | None:
    """Return the gain of the best task over the baseline, in points; None without a baseline."""
    return _gain_of(decision, decision.oracle_index)


def _gain_of(decision: Decision, index: int) -> float | None:
    return float(decision.utility[index] - decision.utility[0]) if decision.alternatives[0] == NONE else None


def _build_decisions(
    transfer: Transfer, candidates: tuple[str, ...], criterion: Array, utility: Array
) -> Iterator[Decision]:
    """Yield one decision per target and seed with two complete candidates, of [candidates, targets, seeds]."""
    for (t, target), (s, seed) in product(enumerate(transfer.targets), enumerate(transfer.seeds)):
        complete = np.isfinite(criterion[:, t, s] + utility[:, t, s])
        if complete.sum() > 1:
            yield Decision(
                target=target,
                seed=seed,
                alternatives=tuple(compress(candidates, complete)),
                criterion=criterion[complete, t, s],
                utility=utility[complete, t, s],
            )


def _collect_test_scores(transfer: Transfer, candidates: tuple[str, ...]) -> tuple[Array, Array]:
    """Return English test and the mean over the other languages where all are there, shaped as the dev scores."""
    scores = transfer.scores[[transfer.chains.index(name) for name in candidates]]
    is_foreign = np.array([language != ENGLISH for language in transfer.languages], np.bool_)
    scored = transfer.scored_mask & is_foreign  # targets x languages
    foreign = np.where(scored[None, :, :, None], scores, 0.0)
    counts = scored.sum(axis=1)[None, :, None]
    zero_shot = np.where(counts > 0, foreign.sum(axis=2) / np.maximum(counts, 1), np.nan)
    if ENGLISH not in transfer.languages:
        return np.full(zero_shot.shape, np.nan), zero_shot
    return scores[:, :, transfer.languages.index(ENGLISH)], zero_shot
