"""Do sweeps find the effects that `--plan` says they find? Simulated tables with one true effect of the stated size.

python tests/bench/detectable.py --worlds 400

`found` is the share of worlds in which the test is significant after Holm's correction, with an effect of the stated
size in spreads s of a gain over seeds; it should be near 0.80. In uneven worlds chains and targets differ in noise.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from analysis.statistics.detectable import find_detectable_correlation
from analysis.statistics.gain_errors import fit_error_model
from analysis.statistics.moments import Array
from analysis.statistics.permutation import RankCorrelations, correlate_ranks
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values
from search.cost.detectable import PlannedTest, build_ranking_tests, contrast_error

TABLES = ((11, 9, 3, 3), (11, 9, 3, 6), (11, 9, 5, 5), (11, 1, 5, 5), (4, 9, 5, 5))  # tasks, targets, seeds, baseline's
CORRELATIONS = ((9, 1), (9, 7))  # tasks, targets
PERMUTATIONS = 400


def main() -> None:
    """Print one line per design."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=400)
    worlds = parser.parse_args().worlds
    rng = np.random.default_rng(0)
    print(f"{'design':58} {'stated':>7} {'found':>6}")
    for table in TABLES:
        for is_uneven in (False, True):
            tests = build_ranking_tests(table[0], table[0], *table[1:])
            for name, test in zip(("cell", "mean"), tests, strict=True):
                found = np.mean([find_gain(test, name, table, is_uneven, rng) for _ in range(worlds)])
                label = "{} of {} tasks, {} targets, {} seeds, {} of none".format(name, *table)
                print(f"{label + ', uneven' * is_uneven:58} {test.effect:5.2f} s {found:6.2f}", flush=True)
    for first, second, seeds in ((23, 4, 3), (5, 1, 5)):
        error = contrast_error(first, second, seeds)
        test = PlannedTest(about="", spread="mean", standard_error=error, freedom=seeds - 1)
        runs = rng.normal(size=(worlds, first + second, seeds)) / np.sqrt(2)
        values = runs[:, :first].mean(axis=1) - runs[:, first:].mean(axis=1) + test.effect
        label = f"contrast of {first} chains with {second}, {seeds} seeds"
        print(f"{label:58} {test.effect:5.2f} s {(compute_p_values(values) < ALPHA).mean():6.2f}", flush=True)
    for units, targets in CORRELATIONS:
        stated, found = np.mean([*judge_correlations(units, targets, worlds // 4, rng)], axis=0)
        label = f"rank correlation of {units} tasks, mean of {targets} targets"
        print(f"{label:58} {stated:7.2f} {found:6.2f}", flush=True)


def find_gain(
    test: PlannedTest, name: str, table: tuple[int, int, int, int], is_uneven: bool, rng: np.random.Generator
) -> bool:
    """Return whether one true gain of the stated size is significant after Holm's correction in a simulated table."""
    tasks, targets, seeds, baseline = table
    noise = np.exp(rng.normal(scale=0.25 * is_uneven, size=(tasks + 1, 1, 1)))
    noise = noise * np.exp(rng.normal(scale=0.5 * is_uneven, size=(1, targets, 1))) / np.sqrt(2)
    noise[1, 0] = noise[0, 0]  # so that s of the cell with the effect is known
    runs = rng.normal(size=(tasks + 1, targets, baseline)) * noise
    gains = runs[1:] - runs[:1]
    gains[..., seeds:] = np.nan
    if name == "cell":
        gains[0, 0] += test.effect * noise[0, 0, 0] * np.sqrt(2)
    else:
        gains[0] += test.effect * np.sqrt((noise[0] ** 2 + noise[1] ** 2).sum()) / targets
    model = fit_error_model(gains, runs[0], np.ones(tasks, np.bool_), "moderated")
    if name == "cell":
        p = model.estimate_columns(gains, runs[0]).compute_p_values()
    else:
        p = model.estimate_mean(gains.mean(axis=1), runs[0].mean(axis=0)).compute_p_values()
    return bool(adjust_p_values(p).ravel()[0] < ALPHA)


def judge_correlations(units: int, targets: int, worlds: int, rng: np.random.Generator) -> Iterator[tuple[float, bool]]:
    """Yield the correlation that a null world says it can find, and whether a world of that correlation is found."""
    for _ in range(worlds):
        null = correlate(0.0, units, targets, rng)
        stated = find_detectable_correlation(null.permuted_means.mean(axis=1))
        if stated is not None and np.isfinite(stated):
            strength = 2 * np.sin(np.pi / 6 * stated)  # Pearson's of a normal with that rank correlation
            yield stated, correlate(min(strength, 0.99), units, targets, rng).p_value() < ALPHA


def correlate(strength: float, units: int, targets: int, rng: np.random.Generator) -> RankCorrelations:
    """Return the rank correlations of one predictor with gains of so many independent targets."""
    predictor = rng.normal(size=(units, targets, 1))
    noise: Array = rng.normal(size=(units, targets, 1))
    gains = strength * predictor + np.sqrt(1 - strength**2) * noise
    return correlate_ranks(predictor, gains, rng, PERMUTATIONS)


if __name__ == "__main__":
    main()
