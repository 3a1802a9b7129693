"""Do the intervals, p values and winners keep what they promise? Simulated sweeps whose truth is known.

    python tests/bench/calibration.py                     # all parts
    python tests/bench/calibration.py --part coverage --worlds 2000

A world is a table of gains like that of the miniature's `full`: 10 intermediate tasks and a baseline, 9 targets whose
scores vary over seeds by 1 to 8 points. Half of that variance is common to all chains at a seed (heads, order), a
fifth to all targets of a chain (its intermediate run), the rest is the cell's own. Seeds vary normally, or as seeds of
small training sets do: skewed (exponential, towards low scores), heavy-tailed (t with 3 degrees of freedom), or with
one seed in ten that collapses, five standard deviations down.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from parts import row, run_parts

from analysis.statistics.draws import (
    compute_quantile_interval,
    draw_means,
    estimate_p_best,
)
from analysis.statistics.groups import compute_pairwise_p
from analysis.statistics.interval import compute_intervals
from analysis.statistics.item_errors import estimate_covariance
from analysis.statistics.moments import Array
from analysis.statistics.significance import adjust_p_values, compute_p_values
from analysis.statistics.winner import select_winner

Generator = np.random.Generator
SD = np.array([8.0, 3.0, 1.0, 1.5, 3.0, 4.0, 4.0, 6.0, 2.0])  # points over seeds, by target
ARMS, SEEDS = 10, (3, 5, 10)
COMMON, CHAIN, OWN = 0.5, 0.2, 0.3  # shares of the variance over seeds
ITEMS, ITEM_SD, BOTH_SD = 300, 40.0, 30.0  # of a target; points by which single items' gains vary, and vary by seed


def collapsing(rng: Generator, size: tuple[int, ...]) -> Array:
    """One in ten is five standard deviations down; as all kinds: mean 0, variance 1."""
    down = rng.random(size) < 0.1
    return (rng.normal(size=size) - 5.0 * down + 0.5) / np.sqrt(1 + 25 * 0.09)


EFFECTS: dict[str, Callable[[Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: 1.0 - rng.exponential(size=size),
    "heavy": lambda rng, size: rng.standard_t(3, size=size) / np.sqrt(3.0),
    "collapsing": collapsing,
}


def vary(rng: Generator, truth: Array, sd: Array, seeds: int, effect: str) -> Array:
    """[chains, targets, seeds] of one world around its truth [chains, targets]."""
    draw, (chains, targets) = EFFECTS[effect], truth.shape
    common, chain = draw(rng, (1, targets, seeds)), draw(rng, (chains, 1, seeds))
    own = draw(rng, (chains, targets, seeds))
    parts = np.sqrt(COMMON) * common + np.sqrt(CHAIN) * chain + np.sqrt(OWN) * own
    return truth[:, :, None] + sd[..., None] * parts


def scores(rng: Generator, truth: Array, seeds: int, effect: str = "normal") -> Array:
    """[1 + arms, targets, seeds] of one world: the baseline around 0, arms around their true gains [arms, targets]."""
    targets = truth.shape[1]
    return vary(rng, np.vstack([np.zeros((1, targets)), truth]), SD[:targets], seeds, effect)


def gains(rng: Generator, truth: Array, seeds: int, effect: str = "normal") -> Array:
    """[arms, targets, seeds] of one world: scores minus the baseline's of the same target and seed."""
    found = scores(rng, truth, seeds, effect)
    return found[1:] - found[:1]


def holds(interval: Array, truth: npt.ArrayLike) -> Array:
    """Share of the intervals [..., 2] with the truth inside."""
    return np.asarray(((interval[..., 0] <= truth) & (truth <= interval[..., 1])).mean())


def percentile(values: Array, rng: Generator, count: int) -> Array:
    """Means of seeds resampled with replacement: the usual bootstrap, to compare with."""
    seeds = values.shape[-1]
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=count) / seeds
    return (weights @ values.reshape(-1, seeds).T).reshape(count, *values.shape[:-1])


def shares(found: Iterable[Sequence[object]]) -> list[float]:
    return [float(share) for share in np.mean(np.asarray(list(found), dtype=np.float64), axis=0)]


def coverage(rng: Generator, worlds: int, count: int) -> None:
    print("\nShare of the 95 % intervals that hold the true value: of a chain's score in a target, of its gain there,")
    print("of its mean gain over targets, of the difference of two such means; by draws, then by resampling seeds\n")
    row("seeds vary", "seeds", *(what + how for how in ("", ", r.") for what in ("score", "gain", "mean", "contrast")))
    for effect in EFFECTS:
        for seeds in SEEDS:
            found = []
            for _ in range(worlds):
                truth = rng.normal(0, 5, (ARMS, len(SD)))
                values, world = scores(rng, truth, seeds, effect), []
                for drawn in (draw_means(values, rng, count), percentile(values, rng, count)):
                    ways = drawn[:, 1:] - drawn[:, :1]
                    over = ways.mean(axis=2)
                    world.append(holds(compute_quantile_interval(drawn[:, 0]), 0.0))
                    world.append(holds(compute_quantile_interval(ways), truth))
                    world.append(holds(compute_quantile_interval(over), truth.mean(axis=1)))
                    contrast = compute_quantile_interval(over[:, 1:] - over[:, :1])
                    world.append(holds(contrast, (truth[1:] - truth[:1]).mean(axis=1)))
                found.append(world)
            row(effect, seeds, *shares(found))


def items(rng: Generator, worlds: int, count: int) -> None:
    print(f"\nThe same over new seeds and new items; {ITEMS} items, whose gains vary by {ITEM_SD:g} points, and by")
    print(f"{BOTH_SD:g} more at each seed: seeds alone, seeds and items by degrees of freedom, the same by draws\n")
    row("seed sd", "seeds", "seeds alone", "Welch", "draws")
    for sd in (0.5, 3.0, 8.0):
        for seeds in SEEDS:
            found = []
            for _ in range(worlds * 4):  # one cell each
                truth = float(rng.normal(0, 5))
                by_item = rng.normal(0, ITEM_SD, (ITEMS, 1)) + rng.normal(0, BOTH_SD, (ITEMS, seeds))
                by_item += truth + rng.normal(0, sd, seeds)
                values = by_item.mean(axis=0)
                moved = ((by_item - values) / ITEMS).T[None]
                variance = estimate_covariance(moved, np.ones((1, seeds)))
                ways = (
                    compute_intervals(values),
                    compute_intervals(values, item_variance=variance[0, 0]),
                    compute_quantile_interval(draw_means(values[None], rng, count, variance[0])[:, 0]),
                )
                found.append([holds(way, truth) for way in ways])
            row(sd, seeds, *shares(found))


def null(rng: Generator, worlds: int, count: int) -> None:
    print("\nNothing has an effect. Cells with p < 0.05; tables with any after Holm; P(gain > 0) below 0.025, below")
    print("0.25, above 0.975; tables whose arms fall into several groups (by their mean over targets)\n")
    row("seeds vary", "seeds", "p < 0.05", "after Holm", "P < 0.025", "P < 0.25", "P > 0.975", "groups")
    truth = np.zeros((ARMS, len(SD)))
    for effect in EFFECTS:
        for seeds in SEEDS:
            found = []
            for _ in range(worlds):
                values = gains(rng, truth, seeds, effect)
                p = compute_p_values(values)
                above = np.where(values.mean(axis=-1) > 0, 1 - p / 2, p / 2)
                tails = ((above < 0.025).mean(), (above < 0.25).mean(), (above > 0.975).mean())
                split = bool((compute_pairwise_p(values.mean(axis=1)) < 0.05).any())
                found.append([(p < 0.05).mean(), (adjust_p_values(p) < 0.05).any(), *tails, split])
            row(effect, seeds, *shares(found))


def selection(rng: Generator, worlds: int, count: int) -> None:
    print("\nBest of k arms whose scores vary by 1 over seeds: what is printed, minus the truth of the arm it is of.")
    print("`honest, all` is the honest value minus the truth of the arm that all seeds chose\n")
    row("true sd", "arms", "seeds", "naive", "honest", "honest, all", "same arm")
    for spread in (0.0, 0.5):
        for arms in (5, 11):
            for seeds in SEEDS:
                found = []
                for _ in range(worlds * 10):
                    truth = rng.normal(0, spread, arms)
                    chosen = select_winner(truth[:, None] + rng.normal(size=(arms, seeds)))
                    assert chosen is not None
                    folds = float(np.mean([truth[arm] for _, arm, _ in chosen.folds]))
                    bias = (chosen.naive - truth[chosen.arm], chosen.honest - folds, chosen.honest - truth[chosen.arm])
                    found.append([*bias, chosen.is_stable])
                row(spread, arms, seeds, *shares(found))


def first(rng: Generator, worlds: int, count: int) -> None:
    print("\nArms by their P(best), over the mean of 9 targets; true means vary by 1 point: share that is the best\n")
    edges = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
    row("seeds", *(f"-{edge:g}" for edge in edges[1:]))
    for seeds in SEEDS:
        said, true = [], []
        for _ in range(worlds):
            truth = rng.normal(0, 1, (ARMS, 1)) + np.zeros(len(SD))
            said.append(estimate_p_best(draw_means(gains(rng, truth, seeds).mean(axis=1), rng, count)))
            true.append(np.arange(ARMS) == truth[:, 0].argmax())
        place = np.digitize(np.concatenate(said), edges[1:-1])
        which = np.concatenate(true)
        row(seeds, *(float(which[place == bin_].mean()) if (place == bin_).any() else "-" for bin_ in range(7)))


PARTS = {"coverage": coverage, "items": items, "null": null, "selection": selection, "best": first}


if __name__ == "__main__":
    run_parts(__doc__, PARTS, worlds=400, of="sweeps", draws=2_000)
