"""Is English dev a good judge? What its choices of a learning rate and of an intermediate task lost elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from analysis.questions.arms import INTERMEDIATE, Stratum, strata
from analysis.questions.stopping import Stopping, stopping
from analysis.scores.choose import ENGLISH, winners
from analysis.scores.tidy import CELL
from analysis.statistics.decisions import Decision, Regret, together
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS, Transfer
from spaces.chain import NONE
from spaces.errors import UsageError

ALL = "all targets"

Together = Mapping[str, Regret]  # target -> its decisions; ALL -> every one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The choice of a learning rate within a cell."""

    regrets: Together
    single: int  # cells with fewer than two finished runs: nothing to choose between
    partial: int  # cells in which a finished run lacks English dev or a language
    censored: int  # runs that did not finish, and so are in no decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The choice of an intermediate task for a target, at every seed.

    `candidates` are the baseline and the intermediates that are no controls; a decision is between those that have
    their numbers at its seed.
    """

    candidates: tuple[str, ...]
    regrets: Together  # by English dev
    english: Together  # as if by English test, which no method may see
    absent: Mapping[str, int]  # target -> how many numbers are missing, of candidates x seeds
    blind: tuple[str, ...]  # targets without English dev: nothing is trained there


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The three uses of English dev in a search: which rate, which task, and when to stop."""

    rates: Rates
    tasks: Tasks
    stopping: Stopping


def judge(found: Transfer) -> Judged:
    """What English dev's choices lost on the other languages.

    Raises:
        UsageError: there is no English dev score of a target.
    """
    dev = found.read.scored.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH)
    if dev["value"].drop_nulls().is_empty():
        raise UsageError(f"{found.read.source} has no English dev scores of targets: there is nothing to judge.")
    order = {target: place for place, target in enumerate((INTERMEDIATE, *found.targets))}
    arms = sorted(strata(found), key=lambda one: order[one.target])
    return Judged(rates=by_rates(arms), tasks=by_tasks(found), stopping=stopping(arms))


def by_rates(strata: Iterable[Stratum]) -> Rates:
    """Does the learning rate with the best English dev have the best mean over the other languages?"""
    cells = [stratum for stratum in strata if stratum.target != INTERMEDIATE]
    rivals = [stratum for stratum in cells if len(stratum.rates) > 1]
    decisions = [
        Decision(
            target=stratum.target,
            seed=stratum.seed,
            within=stratum.intermediate,
            options=tuple(f"{rate:g}" for rate in stratum.rates),
            seen=stratum.dev,
            worth=stratum.others,
        )
        for stratum in rivals
        if np.isfinite([stratum.dev, stratum.others]).all()
    ]
    return Rates(
        regrets=together(decisions, ALL),
        single=len(cells) - len(rivals),
        partial=len(rivals) - len(decisions),
        censored=sum(stratum.censored for stratum in cells),
    )


def by_tasks(found: Transfer) -> Tasks:
    """Does the intermediate task with the best English dev have the best mean over the other languages?"""
    candidates = (NONE, *(name for name in found.intermediates if name not in found.read.controls))
    dev = dev_scores(found, candidates)
    english, others = _tested(found, candidates)
    blind = tuple(target for t, target in enumerate(found.targets) if not np.isfinite(dev[:, t]).any())
    absent = ~np.isfinite(dev + others)
    return Tasks(
        candidates=candidates,
        regrets=together(_decisions(found, candidates, dev, others), ALL),
        english=together(_decisions(found, candidates, english, others), ALL),
        absent={target: int(absent[:, t].sum()) for t, target in enumerate(found.targets) if target not in blind},
        blind=blind,
    )


def gained(one: Decision) -> float | None:
    """What the task that was taken has over the baseline, in points; None where that is not there."""
    return float(one.worth[one.taken] - one.worth[0]) if one.options[0] == NONE else None


def possible(one: Decision) -> float | None:
    """What the oracle has over the baseline, in points; None where that is not there."""
    return float(one.worth.max() - one.worth[0]) if one.options[0] == NONE else None


def _decisions(found: Transfer, candidates: tuple[str, ...], seen: Array, worth: Array) -> Iterator[Decision]:
    """One per target and seed with two candidates that have both numbers, of arrays candidates x targets x seeds."""
    for (t, target), (s, seed) in product(enumerate(found.targets), enumerate(found.seeds)):
        whole = np.isfinite(seen[:, t, s] + worth[:, t, s])
        if whole.sum() > 1:
            options = tuple(name for name, there in zip(candidates, whole, strict=True) if there)
            yield Decision(target=target, seed=seed, options=options, seen=seen[whole, t, s], worth=worth[whole, t, s])


def dev_scores(found: Transfer, candidates: tuple[str, ...]) -> Array:
    """English dev of the run that counts, in points: candidates x targets x seeds."""
    dev = np.full((len(candidates), len(found.targets), len(found.seeds)), np.nan)
    for name, target, seed, value in winners(found.runs).select(*CELL, "dev").drop_nulls("dev").iter_rows():
        if name in candidates:
            dev[candidates.index(name), found.targets.index(target), found.seeds.index(seed)] = value * POINTS
    return dev


def _tested(found: Transfer, candidates: tuple[str, ...]) -> tuple[Array, Array]:
    """English test, and the mean over the others where all of the target's are there; shaped as `dev_scores`."""
    scores = found.scores[[found.chains.index(name) for name in candidates]]
    foreign = np.array([language != ENGLISH for language in found.languages], np.bool_)
    asked = found.asked & foreign  # targets x languages
    there = (np.isfinite(scores) & asked[None, :, :, None]).sum(axis=2)
    total = np.nansum(np.where(asked[None, :, :, None], scores, np.nan), axis=2)
    whole = (there == asked.sum(axis=1)[None, :, None]) & (there > 0)
    others = np.divide(total, there, out=np.full(total.shape, np.nan), where=whole)
    if foreign.all():
        return np.full(others.shape, np.nan), others
    return scores[:, :, found.languages.index(ENGLISH)], others
