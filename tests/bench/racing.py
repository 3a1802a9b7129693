"""What racing over seeds saves, how often it drops a chain that is the best for a target, and what it does to results.

    python tests/bench/racing.py                     # all parts, about five minutes
    python tests/bench/racing.py --part rules --worlds 2000

A world has 11 chains, `none` among them, and 7 targets; scores are in points. Seeds vary as in calibration.py: half of
the variance is common to all chains at a seed, a fifth to all targets of a chain, the rest is the cell's own.

equal      no chain differs from another
xtreme     gains like those published for XTREME: chains differ by 1.5 points in general and by 1.2 by target, one gains
           8 on one target; over seeds scores vary by .5 to 1
miniature  gains of -5 to 9, and .5 to 4 points over seeds
experts    every target has an expert that is a hair better than `none` and three others, and far behind elsewhere: what
           is easiest to drop wrongly
loud       one expert, whose scores vary ten times as much as all others
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import stdtrit
from scipy.stats import spearmanr, studentized_range

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from calibration import EFFECTS, Generator, vary
from parts import run_parts

from analysis.statistics.interval import compute_intervals
from search.schedulers.race import Array, Judge, Mask, allot_seeds, find_clearly_worse

CHAINS, TARGETS, SEEDS = 11, 7, (5, 8, 10)
EXPERTS = slice(1, 1 + TARGETS)
KEPT = np.arange(CHAINS) == 0
HAIR, FAR = 1e-6, -50.0


@dataclass(frozen=True, slots=True)
class World:
    """True means [chains, targets], and the standard deviation over seeds [chains, targets]."""

    truth: Array
    sd: Array

    @property
    def best(self) -> list[int]:
        """The chains that are the best for any target; `none`, which is never dropped, is not counted."""
        return sorted({int(arm) for arm in self.truth.argmax(axis=0)} - {0})

    def scores(self, rng: Generator, seeds: int, effect: str) -> Array:
        """[chains, targets, seeds]"""
        return vary(rng, self.truth, self.sd, seeds, effect)


def world(rng: Generator, name: str) -> World:
    """One of the worlds above."""
    truth = np.zeros((CHAINS, TARGETS))
    sd = np.broadcast_to(rng.uniform(0.5, 1.0, TARGETS), truth.shape).copy()
    if name == "xtreme":
        truth = rng.normal(-0.5, 1.5, (CHAINS, 1)) + rng.normal(0, 1.2, truth.shape)
        truth[rng.integers(1, CHAINS), rng.integers(TARGETS)] += 8.0
    elif name == "miniature":
        truth = rng.normal(1, 3, (CHAINS, 1)) + rng.normal(0, 3, truth.shape)
        sd[:] = np.array([4.0, 1.5, 0.5, 0.75, 1.5, 2.0, 2.0])
    elif name == "experts":
        truth[EXPERTS] = np.where(np.eye(TARGETS, dtype=np.bool_), HAIR, FAR)
    elif name == "loud":
        truth[1] = FAR
        truth[1, 0] = HAIR
        sd[1] *= 10
    truth[0] = 0.0
    return World(truth, sd)


def by_pair(values: Array, level: float, rivals: int) -> Mask:
    """Student's interval of each pair alone."""
    return _beyond(values, -stdtrit(values.shape[2] - 1, level / rivals), _pairs(values))


def pooled(values: Array, level: float, rivals: int) -> Mask:
    """The rest of all chains as the one variance."""
    return _beyond(values, -stdtrit(_freedom(values), level / rivals), _rest(values))


def larger_pair(values: Array, level: float, rivals: int) -> Mask:
    """The larger variance of the rest of all and of the pair's own differences."""
    return _beyond(values, -stdtrit(_freedom(values), level / rivals), np.maximum(_rest(values), _pairs(values)))


def tukey(values: Array, level: float, rivals: int) -> Mask:
    """The studentised range of all chains, with the rest of all as the one variance."""
    return _beyond(values, _range(1 - 2 * level, rivals + 1, _freedom(values)), _rest(values))


@cache
def _range(level: float, chains: int, freedom: int) -> float:
    return float(studentized_range.ppf(level, chains, freedom) / np.sqrt(2))  # takes longer than a whole race


def _freedom(values: Array) -> int:
    return (values.shape[0] - 1) * (values.shape[2] - 1)


def _pairs(values: Array) -> Array:
    return np.asarray((values[None] - values[:, None]).var(axis=3, ddof=1))


def _rest(values: Array) -> Array:
    rest = values - values.mean(axis=2, keepdims=True) - values.mean(axis=0) + values.mean(axis=(0, 2))[:, None]
    return np.asarray(2 * (rest**2).sum(axis=(0, 2)) / _freedom(values))


def _beyond(values: Array, quantile: float, variance: Array) -> Mask:
    mean = values.mean(axis=2)
    error = np.sqrt(variance / values.shape[2])
    return np.asarray((mean[None] - mean[:, None] - quantile * error > 0).any(axis=1))


RULES: dict[str, Judge] = {"ours": find_clearly_worse, "pair alone": by_pair, "pooled": pooled}
RULES |= {"larger, pair": larger_pair, "Tukey": tukey}


def row(*cells: object) -> None:
    shown = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print(f"| {' | '.join(shown)} |")


def table(*heads: str) -> None:
    row(*heads)
    row(*("---", *("---:" for _ in heads[1:])))


def means(found: Iterable[Sequence[float]]) -> list[float]:
    return [float(each) for each in np.nanmean(np.asarray(list(found), dtype=np.float64), axis=0)]


def errors(rng: Generator, worlds: int) -> None:
    print("\nShare of seeds x chains saved, of chains decided early, and of races that drop the best of any target\n")
    table("world, seeds vary", *(f"{what}, {seeds}" for seeds in SEEDS for what in ("saved", "decided", "wrong")))
    for name in ("equal", "xtreme", "miniature", "experts", "loud"):
        for effect in EFFECTS:
            cells: list[float] = []
            for seeds in SEEDS:
                found = []
                for _ in range(worlds):
                    one = world(rng, name)
                    given, _ = allot_seeds(one.scores(rng, seeds, effect), KEPT)
                    early = given < seeds
                    found.append((1 - given.mean() / seeds, early.mean(), early[one.best].any()))
                cells += means(found)
            row(f"{name}, {effect}", *cells)


def rules(rng: Generator, worlds: int) -> None:
    print("\nOther intervals, up to 8 seeds that vary normally: saved where there is something to; wrong elsewhere\n")
    table("interval", "xtreme, saved", "miniature, saved", "xtreme, wrong", "experts, wrong", "loud, wrong")
    start = rng.integers(2**32)
    for rule, judge in RULES.items():
        saved, wrong = {}, {}
        for name in ("xtreme", "miniature", "experts", "loud"):
            same = np.random.default_rng(start)  # every rule sees the same worlds
            found = []
            for _ in range(worlds):
                one = world(same, name)
                given, _ = allot_seeds(one.scores(same, 8, "normal"), KEPT, judge=judge)
                found.append((1 - given.mean() / 8, (given < 8)[one.best].any()))
            saved[name], wrong[name] = means(found)
        row(rule, saved["xtreme"], saved["miniature"], wrong["xtreme"], wrong["experts"], wrong["loud"])


def results(rng: Generator, worlds: int) -> None:
    print(
        "\nWhat is read after a race up to 8 seeds: the mean gain over targets minus its truth (points), how often its"
    )
    print("95 % interval holds the truth, of chains decided after 3 seeds and of the others; and the order by this")
    print("mean: rank correlation with the truth, and with the order that all seeds give; the same best chain\n")
    table("world, seeds vary", "bias, decided", "bias, others", "held, decided", "held, others", "held, no race")
    lines = []
    for name in ("xtreme", "miniature"):
        for effect in EFFECTS:
            found, order = [], []
            for _ in range(worlds):
                one = world(rng, name)
                values = one.scores(rng, 8, effect)
                given, _ = allot_seeds(values, KEPT)
                gains, true = (values[1:] - values[:1]).mean(axis=1), (one.truth[1:] - one.truth[0]).mean(axis=1)
                raced = np.where(np.arange(8) < given[1:, None], gains, np.nan)
                off, early = np.nanmean(raced, axis=1) - true, given[1:] < 8
                ends = (compute_intervals(raced), compute_intervals(gains))
                held = [((each[:, 0] <= true) & (true <= each[:, 1])) for each in ends]
                first = given[1:] == 3
                found.append(
                    (_of(off, first), _of(off, ~early), _of(held[0], first), _of(held[0], ~early), held[1].mean())
                )
                every, mean = gains.mean(axis=1), np.nanmean(raced, axis=1)
                same = float(every.argmax() == mean.argmax())
                order.append((_order(mean, true), _order(every, true), _order(mean, every), same))
            row(f"{name}, {effect}", *means(found))
            lines.append((f"{name}, {effect}", *means(order)))
    print()
    table("world, seeds vary", "order: race, truth", "all seeds, truth", "race, all seeds", "same best")
    for line in lines:
        row(*line)


def _of(values: Array | Mask, chains: Mask) -> float:
    return float(values[chains].mean()) if chains.any() else float("nan")


def _order(one: Array, other: Array) -> float:
    return float(spearmanr(one, other).statistic)


def elsewhere(rng: Generator, worlds: int) -> None:
    print("\nThe race sees English only. Gains elsewhere correlate with those in English by r: share of targets whose")
    print("best chain elsewhere was decided, the points that are lost with it, and the same if as many chains left by")
    print("lot; up to 8 seeds that vary normally\n")
    table("world", "r", "decided", "best dropped", "points lost", "dropped by lot", "lost by lot")
    for name in ("xtreme", "miniature"):
        for r in (1.0, 0.8, 0.5, 0.0):
            found = []
            for _ in range(worlds):
                one = world(rng, name)
                other = world(rng, name).truth
                gains = r * one.truth + np.sqrt(1 - r**2) * other
                early = allot_seeds(one.scores(rng, 8, "normal"), KEPT)[0] < 8
                lot = np.concatenate([[False], rng.permutation(early[1:])])
                found.append((early.mean(), *_lost(gains, early), *_lost(gains, lot)))
            row(name, r, *means(found))


def _lost(gains: Array, gone: Mask) -> tuple[float, float]:
    best = gains.argmax(axis=0)
    return float(gone[best].mean()), float((gains.max(axis=0) - gains[~gone].max(axis=0)).mean())


PARTS: dict[str, Callable[[Generator, int], None]] = {
    "errors": errors,
    "rules": rules,
    "results": results,
    "elsewhere": elsewhere,
}


if __name__ == "__main__":
    run_parts(__doc__, PARTS, worlds=400, of="races")
