"""Does analysis/similarity.py find a distance that predicts gain, and none where there is none? Simulated sweeps.

    python tests/bench/questions_similarity.py
    python tests/bench/questions_similarity.py --worlds 2000 --part null

A world has 9 intermediate tasks and 7 trained targets, as XTREME's. Gains (points) are what a task brings everywhere,
what it brings to one target, and noise of the seeds; half of the noise is common to a task's targets. A distance knows
`signal` (a correlation) of what a task brings to a target, and the rest is its own; half of that, too, is common to a
task's targets. In null worlds signal is 0. `cells` is the naive test that takes all 63 cells for units.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from parts import row, run_parts

from analysis.questions.predictors import GainMatrix, Predictor
from analysis.questions.similarity import judge_predictors
from analysis.statistics.moments import Array

TASKS, TARGETS = 9, 7
EVERYWHERE, THERE, NOISE = 3.0, 3.0, 2.0  # standard deviations, in points
FOCUS = 1


def shared(rng: np.random.Generator, share: float, shape: tuple[int, ...]) -> Array:
    """Variance 1, of which a share is common to a task's targets."""
    tasks, targets, *seeds = shape
    common, own = rng.normal(size=(tasks, 1, *seeds)), rng.normal(size=(tasks, targets, *seeds))
    return np.asarray(np.sqrt(share) * common + np.sqrt(1 - share) * own)


def world(
    rng: np.random.Generator, signal: float, seeds: int, predictors: int, tasks: int = TASKS, holes: float = 0.0
) -> tuple[GainMatrix, list[Predictor], Array]:
    """Gains, predictors, and what tasks truly bring; `holes` is the share of gains that are missing."""
    everywhere, there = EVERYWHERE, THERE
    spread = np.hypot(everywhere, there)
    truth = spread * shared(rng, everywhere**2 / spread**2, (tasks, TARGETS))
    gains = truth[:, :, None] + NOISE * shared(rng, 0.5, (tasks, TARGETS, seeds))
    gains[rng.random(gains.shape) < holes] = np.nan
    several = []
    for number in range(predictors):
        own = shared(rng, 0.5, (tasks, TARGETS))
        seen = signal * truth / spread + np.sqrt(1 - signal**2) * own
        several.append(
            Predictor(name=f"p{number}", category="distance", values=np.repeat(seen[:, :, None], seeds, axis=2))
        )
    asked = GainMatrix(
        candidates=tuple(f"task{i}" for i in range(tasks)),
        targets=tuple(f"target{i}" for i in range(TARGETS)),
        seeds=tuple(range(seeds)),
        gains=gains,
        baseline=np.full((TARGETS, seeds), 50.0),
        left_out=(),
    )
    return asked, several, truth


def null(rng: np.random.Generator, worlds: int) -> None:
    print("\nNothing predicts: share of p < 0.05, of tables with any after Holm (6 predictors), of the focus, by cells")
    print()
    row("tasks", "seeds", "holes", "p < 0.05", "any, Holm", "focus", "cells")
    for tasks, seeds, holes in ((9, 3, 0.0), (9, 3, 0.1), (6, 2, 0.0), (5, 3, 0.0)):
        found = []
        for _ in range(worlds):
            asked, several, _ = world(rng, 0.0, seeds, 6, tasks, holes)
            judged = judge_predictors(several, asked, FOCUS, rng)
            gains = np.nanmean(asked.gains, axis=2) if not holes else asked.gains[:, :, 0]
            naive = spearmanr(several[0].values[:, :, 0].ravel(), gains.ravel(), nan_policy="omit").pvalue
            found.append(
                [
                    np.mean([(one.p or 1) < 0.05 for one in judged]),
                    any((one.holm or 1) < 0.05 for one in judged),
                    np.mean([(one.focus_p or 1) < 0.05 for one in judged]),
                    naive < 0.05,
                ]
            )
        row(tasks, seeds, holes, *np.mean(found, axis=0).tolist())


def planted(rng: np.random.Generator, worlds: int) -> None:
    print("\nA distance that knows something: how often it is found, how well it orders, what it saves\n")
    row("signal", "seeds", "p < 0.05", "correlation", "saved", "Regret@1", "blind @1", "NDCG", "blind NDCG")
    for signal in (0.3, 0.5, 0.7, 0.9):
        for seeds in (1, 3):
            found = []
            for _ in range(worlds):
                asked, several, _ = world(rng, signal, seeds, 1)
                (one,) = judge_predictors(several, asked, FOCUS, rng)
                quality = one.mean_ordering
                orders = (quality.regrets[0], quality.blind_regrets[0], quality.ndcg, quality.blind_ndcg)
                numbers = (one.errors.out_of_sample_r2, *orders)
                found.append([(one.p or 1) < 0.05, float(one.correlation.mean_by_seed().mean()), *numbers])
            row(signal, seeds, *np.mean(np.array(found, dtype=np.float64), axis=0).tolist())


def focus(rng: np.random.Generator, worlds: int) -> None:
    print("\nOne target is predicted otherwise: a distance that knows the others (0.7), not it, or its mirror\n")
    row("focus", "p < 0.05", "difference")
    for name, sign in (("nothing", 0.0), ("mirrored", -1.0)):
        found = []
        for _ in range(worlds):
            asked, several, _ = world(rng, 0.7, 3, 1)
            values = several[0].values.copy()
            values[:, FOCUS] = sign * values[:, FOCUS] if sign else rng.normal(size=(TASKS, 1))
            (one,) = judge_predictors([replace(several[0], values=values)], asked, FOCUS, rng)
            found.append([(one.focus_p or 1) < 0.05, float(one.correlation.contrast(FOCUS).mean())])
        row(name, *np.mean(found, axis=0).tolist())


PARTS = {"null": null, "planted": planted, "focus": focus}


if __name__ == "__main__":
    run_parts(__doc__, PARTS, worlds=400, of="sweeps")
