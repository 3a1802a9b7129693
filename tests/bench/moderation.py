"""Do moderated errors keep what they promise, and what do they gain? Simulated tables of gains whose truth is known.

    python tests/bench/moderation.py                       # all parts, half an hour
    python tests/bench/moderation.py --part worlds --worlds 100
    python tests/bench/moderation.py --part random         # 100 worlds that nobody chose

The worlds are those of `noise_worlds`. Every table is judged twice: as it is, where nothing has an effect (coverage,
and FWER: tables with any p < 0.05 after Holm), and with a fifth of its gains raised by 1, 2, 3 or 5 of their standard
deviations (power after Holm and after Benjamini-Hochberg; FDR: of those marked by the latter, at an effect of 3, the
share without an effect). Two seeds give intervals but no p value: a table of two seeds has no verdict, and plain errors
give nothing. `w.` is the target or the task that is covered worst. Figures are percentages with standard errors.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from choosing import best
from noise_worlds import WORLDS, World, draw_worlds
from parts import row, run_parts

from analysis.statistics.gain_errors import GainErrors, fit_error_model
from analysis.statistics.moments import Array
from analysis.statistics.significance import ALPHA, adjust_for_discovery, adjust_p_values

Generator = np.random.Generator
KINDS = ("plain", "moderated")
COLUMNS = ("cells", "means")
SIZES = (1.0, 2.0, 3.0, 5.0)  # of an effect, in standard deviations of a gain over seeds
WITH_EFFECT = 0.2  # share of the gains


@dataclass(frozen=True)
class Judged:
    """What one table shows, as numbers from 0 to 1; NaN without a verdict."""

    covered: Array  # tasks x columns
    rates: tuple[float, ...]  # FWER, FDR, power after Holm by size, power after Benjamini-Hochberg by size


def judge(rng: Generator, errors: GainErrors, sd: Array) -> Judged:
    """Judge the errors of a table without effects, whose gains have the true standard deviations `sd`."""
    low, high = np.moveaxis(errors.compute_intervals(), -1, 0)
    covered = np.where(np.isfinite(low), (low <= 0) & (high >= 0), np.nan)
    p = errors.compute_p_values()
    if not np.isfinite(p).any():
        return Judged(covered, (np.nan,) * (2 + 2 * len(SIZES)))
    fdr, by_holm, by_discovery = np.nan, [], []
    for size in SIZES:
        has_effect = (rng.random(p.shape) < WITH_EFFECT) & np.isfinite(p)
        raised = replace(errors, mean=errors.mean + np.where(has_effect, size, 0.0) * sd).compute_p_values()
        holm, found = adjust_p_values(raised) < ALPHA, adjust_for_discovery(raised) < ALPHA
        by_holm.append(holm[has_effect].mean() if has_effect.any() else np.nan)
        by_discovery.append(found[has_effect].mean() if has_effect.any() else np.nan)
        if size == 3:
            fdr = (found & ~has_effect).sum() / max(1, found.sum())
    return Judged(covered, (float((adjust_p_values(p) < ALPHA).any()), float(fdr), *by_holm, *by_discovery))


def simulate(rng: Generator, world: World, tables: int, seeds: int) -> dict[tuple[str, str], list[Judged]]:
    """Judge cells and means over targets of the same tables of one world with each kind of errors."""
    sd = world.draw_sd(rng)
    of_cells, of_means = world.measure_sd(rng, sd)
    judged: dict[tuple[str, str], list[Judged]] = {(what, kind): [] for what in COLUMNS for kind in KINDS}
    for _ in range(tables):
        gains, base = world.draw_gains(rng, sd, seeds)
        where = int(rng.integers(2**32))  # both kinds see the same effects
        for kind in KINDS if seeds > 2 else KINDS[1:]:
            model = fit_error_model(gains, base, world.is_reference, kind)  # type: ignore[arg-type]
            cells = model.estimate_columns(gains, base)
            means = model.estimate_mean(gains.mean(axis=1), base.mean(axis=0))
            judged["cells", kind].append(judge(np.random.default_rng(where), cells, of_cells))
            judged["means", kind].append(judge(np.random.default_rng(where), means, of_means))
    return {way: found for way, found in judged.items() if found}


def summarise(judged: Sequence[Judged]) -> list[tuple[float, float]]:
    """Return percentages with standard errors: coverage, its worst column and task, then the rates."""
    covered = np.stack([table.covered for table in judged])  # tables x tasks x columns
    with np.errstate(invalid="ignore"):
        by_column, by_task = (average(covered, axis) for axis in (1, 2))
        figures = [estimate(average(average(covered, 2), 1))]
        for parts in (by_column, by_task):
            means = average(parts, 0)
            known = np.isfinite(means).any()
            figures.append(estimate(parts[:, int(np.nanargmin(means))]) if known else (np.nan, np.nan))
    return figures + [estimate(np.array(rates)) for rates in zip(*(table.rates for table in judged), strict=True)]


def average(values: Array, axis: int) -> Array:
    count = np.isfinite(values).sum(axis=axis)
    return np.asarray(np.nansum(values, axis=axis) / np.where(count > 0, count, np.nan))


def estimate(values: Array) -> tuple[float, float]:
    """Return the mean in percent and its standard error."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    return 100 * float(values.mean()), 100 * float(values.std()) / max(1.0, len(values) - 1.0) ** 0.5


def show(figure: tuple[float, float]) -> str:
    return "-" if np.isnan(figure[0]) else f"{figure[0]:.1f}±{figure[1]:.1f}"


def head() -> None:
    names = [f"{way} {size:g}" for way in ("Holm", "BH") for size in SIZES]
    row(f"{'world':15}", "seeds", "of", "errors", "covered", "w. target", "w. task", "FWER", "FDR", *names, width=9)


def print_world(rng: Generator, name: str, world: World, tables: int, seeds: int) -> None:
    for (what, kind), judged in simulate(rng, world, tables, seeds).items():
        row(f"{name:15}", seeds, what, kind, *(show(figure) for figure in summarise(judged)), width=9)
    sys.stdout.flush()


def worlds(rng: Generator, tables: int) -> None:
    print(f"\nChosen worlds, {tables} tables of each with two and three seeds, half as many with five and ten\n")
    head()
    for seeds in (3, 2, 5, 10):
        for name, world in WORLDS.items():
            print_world(rng, name, world, tables if seeds < 5 else tables // 2, seeds)


def sizes(rng: Generator, tables: int) -> None:
    print("\nTables of other sizes (tasks x targets), three seeds; fewer than six tasks stay plain\n")
    head()
    for tasks in (5, 6, 11, 40):
        for targets in (1, 3, 9, 40):
            print_world(rng, f"{tasks} x {targets}", World(tasks=tasks, targets=targets), tables, 3)
        print_world(rng, f"{tasks} x 9, b. 2.5", World(tasks=tasks, baseline=2.5), tables, 3)


def random(rng: Generator, tables: int) -> None:
    print(f"\n100 random worlds of {tables} tables: quantiles over worlds; power at three seeds\n")
    figures: dict[tuple[str, str], list[list[tuple[float, float]]]] = {}
    three: list[bool] = []
    misses: list[str] = []
    for number, (world, seeds) in enumerate(draw_worlds(rng, 100)):
        three.append(seeds == 3)
        for (what, kind), judged in simulate(rng, world, tables, seeds).items():
            found = summarise(judged)
            figures.setdefault((what, kind), []).append(found)
            (covered, error), (fwer, fwer_error) = found[0], found[3]
            outside = covered + 2 * error < 93 or covered - 2 * error > 98
            if kind == "moderated" and (outside or fwer - 2 * fwer_error > 7):
                tag = f"{number}, {what}, {seeds} seeds"
                misses.append(f"{tag}: covered {show(found[0])}, FWER {show(found[3])}, {describe(world)}")
    row("", "errors", "", "mean", "min", "5 %", "median", "95 %", "max", width=9)
    for (what, kind), all_found in figures.items():
        values = np.array(all_found)[..., 0]
        for name, place in (("covered", 0), ("FWER", 3), ("FDR", 4), ("Holm 2", 6), ("Holm 3", 7), ("BH 3", 11)):
            chosen = values[np.array(three), place] if place > 4 else values[:, place]  # power: at three seeds
            spread = np.nanquantile(chosen, [0, 0.05, 0.5, 0.95, 1])
            mean = (float(np.nanmean(chosen)), float(np.nanstd(chosen)) / len(chosen) ** 0.5)
            row(what, kind, name, show(mean), *(f"{q:.1f}" for q in spread), width=9)
    print("\nWorlds with FWER above 7 %, coverage below 93 %, above 98 %, as estimated\n")
    row("", "errors", "FWER > 7", "below 93", "above 98", width=9)
    for (what, kind), all_found in figures.items():
        values = np.array(all_found)[..., 0]
        outside_of = (values[:, 3] > 7, values[:, 0] < 93, values[:, 0] > 98)
        row(what, kind, *(int(np.sum(outside)) for outside in outside_of), width=9)
    print("\nModerated errors outside by more than two standard errors:", *misses, sep="\n")


def describe(world: World) -> str:
    """Return the fields in which a world differs from the usual one."""
    usual, own = asdict(World()), asdict(world)
    words = [
        f"{name} {value:.2g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in own.items()
        if value != usual[name]
    ]
    return ", ".join(words)


PARTS = {"worlds": worlds, "sizes": sizes, "random": random, "best": best}


if __name__ == "__main__":
    run_parts(__doc__, PARTS, worlds=200, of="tables")
