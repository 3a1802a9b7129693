"""How often is an intermediate task called learnt? Simulated runs on one dev set, truth known.

    python tests/bench/learnt.py
    python tests/bench/learnt.py --worlds 10000 --seed 1

The examples of a dev set have one of some labels, all as likely. At each tenth a run answers by chance, or knows the
answers of as many examples that it is 10 or 20 points above chance. From tenth to tenth it guesses all examples anew,
or a tenth of them. The best tenth counts. Prints the share of worlds in which the mean over seeds is above the trivial
answer, one label for all, by 2, 2.5 and 3 standard errors.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from parts import row, run_parts

from analysis.statistics.dev_error import bound_variance, compute_seed_variance
from analysis.statistics.moments import Array

Generator = np.random.Generator
TENTHS, LIMITS = 10, (2.0, 2.5, 3.0)


def draw_scores(rng: Generator, labels: Array, classes: int, seeds: int, above: float, renewed: float) -> Array:
    """Return the best score of each seed."""
    shape = (seeds, len(labels))
    is_known = rng.random(shape) < above / (1 - 1 / classes)
    guesses = rng.integers(0, classes, shape)
    best = np.zeros(seeds)
    for _ in range(TENTHS):
        guesses = np.where(rng.random(shape) < renewed, rng.integers(0, classes, shape), guesses)
        best = np.maximum(best, ((guesses == labels) | is_known).mean(axis=1))
    return best


def called_learnt(rng: Generator, worlds: int) -> None:
    row("labels", "examples", "seeds", "renewed", "above", *(f"> {limit} se" for limit in LIMITS))
    for classes in (2, 3, 5):
        for examples in (100, 200, 1000):
            for seeds in (1, 2, 3):
                for renewed, above in ((1.0, 0.0), (0.1, 0.0), (1.0, 0.1), (1.0, 0.2)):
                    errors = []
                    for _ in range(worlds):
                        labels = rng.integers(0, classes, examples)
                        trivial = float((labels == 0).mean())
                        scores = draw_scores(rng, labels, classes, seeds, above, renewed)
                        mean = float(scores.mean())
                        variance = bound_variance(mean, examples) + bound_variance(trivial, examples)
                        variance += compute_seed_variance(scores.tolist())
                        errors.append((mean - trivial) / np.sqrt(variance))
                    shares = (float((np.array(errors) > limit).mean()) for limit in LIMITS)
                    row(classes, examples, seeds, renewed, above, *shares)


if __name__ == "__main__":
    run_parts(__doc__, {"learnt": called_learnt}, worlds=2_000, of="dev sets")
