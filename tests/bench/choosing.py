"""P(best) as it is said and as it is right, and the regret of the chosen task: plain means against shrunken gains."""

import sys
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from noise_worlds import Generator, World
from parts import row

from analysis.statistics.draws import draw_means, draw_student_blocks, estimate_p_best
from analysis.statistics.gain_errors import fit_error_model
from analysis.statistics.moments import EPSILON, Array

DRAWS = 1_000

# True gains [tasks, targets], given the standard deviations of targets.
EFFECT_WORLDS: dict[str, Callable[[Generator, int, Array], Array]] = {
    "common": lambda rng, tasks, sd: sd * rng.normal(size=(tasks, 1)),
    "in points": lambda rng, tasks, sd: sd.mean() * np.repeat(rng.normal(size=(tasks, 1)), len(sd), axis=1),
    "independent": lambda rng, tasks, sd: sd * 2 * rng.normal(size=(tasks, len(sd))),
    "blocks": lambda rng, tasks, sd: sd * 5 * (rng.integers(4, size=(tasks, 1)) == rng.integers(4, size=len(sd))),
    "mixed": lambda rng, tasks, sd: sd * 0.7 * (rng.normal(size=(tasks, 1)) + rng.normal(size=(tasks, len(sd)))),
    "small": lambda rng, tasks, sd: sd * (0.3 * rng.normal(size=(tasks, 1)) + 0.5 * rng.normal(size=(tasks, len(sd)))),
    "null": lambda rng, tasks, sd: np.zeros((tasks, len(sd))),
}


def best(rng: Generator, tables: int) -> None:
    print(
        f"\nThe task that looks best, in {tables} tables: P(best) said and right in percent, and regret: what the truly"
    )
    print("best task gains more, in standard deviations of a target over seeds (of the mean: their root mean square).")
    print("One of several that are truly best counts as right by its share; regret is with its standard error\n")
    row(
        "effects",
        "seeds",
        "run",
        "choice",
        "mean: said",
        "right",
        "regret",
        "target: said",
        "right",
        "regret",
        width=12,
    )
    for name, draw in EFFECT_WORLDS.items():
        for seeds in (3, 5):
            print_line(rng, name, draw, World(), tables, seeds)
    for name in ("common", "mixed"):
        print_line(rng, name, EFFECT_WORLDS[name], World(run=0.6), tables, 3)


def print_line(
    rng: Generator, name: str, draw: Callable[[Generator, int, Array], Array], world: World, tables: int, seeds: int
) -> None:
    found: dict[str, list[list[float]]] = defaultdict(list)
    sd = world.draw_sd(rng)
    for _ in range(tables):
        truth = draw(rng, world.tasks, sd[0])
        gains, base = world.draw_gains(rng, sd, seeds)
        gains = gains + truth[:, :, None]
        for choice, choose in (("plain", choose_plain), ("shrunken", choose_shrunken)):
            (mean, p_mean), (by_target, p_by_target) = choose(rng, gains, base)
            over = judge(mean[:, None], p_mean[:, None], truth.mean(axis=1)[:, None], np.sqrt((sd[0] ** 2).mean()))
            found[choice].append([*over, *judge(by_target, p_by_target, truth, sd[0])])
    for choice, figures in found.items():
        means, errors = np.mean(figures, axis=0), np.std(figures, axis=0) / len(figures) ** 0.5
        cells = [f"{100 * mean:.0f}±{100 * error:.0f}" for mean, error in zip(means, errors, strict=True)]
        for place in (2, 5):
            cells[place] = f"{means[place]:.3f}±{errors[place]:.3f}"
        row(name, seeds, world.run, choice, *cells, width=12)
    sys.stdout.flush()


def choose_plain(rng: Generator, gains: Array, base: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return criterion and P(best) of the mean over targets [tasks], and of each target [tasks, targets]."""
    mean = gains.mean(axis=1)
    return (
        (mean.mean(axis=-1), estimate_p_best(draw_means(mean, rng, DRAWS))),
        (gains.mean(axis=-1), estimate_p_best(draw_means(gains, rng, DRAWS))),
    )


def choose_shrunken(rng: Generator, gains: Array, base: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    model = fit_error_model(gains, base, np.ones(len(gains), dtype=np.bool_), "moderated")
    shrunken, own = model.shrink(gains), model.estimate_own_errors(gains)
    assert shrunken is not None and own is not None
    chosen = []
    for columns in (list(range(gains.shape[1])), *([target] for target in range(gains.shape[1]))):
        mean, variance = shrunken.average(columns), shrunken.average_variance(columns)
        freedom = own[1][:, columns].mean(axis=1)
        draws = [*draw_student_blocks(mean[None], variance[None], freedom[None], rng, DRAWS)]
        chosen.append((mean, estimate_p_best(np.concatenate(draws)[:, 0])))
    mean, p_best = (np.stack(parts, axis=1) for parts in zip(*chosen[1:], strict=True))
    return chosen[0], (mean, p_best)


def judge(criterion: Array, p_best: Array, truth: Array, sd: Array) -> list[float]:
    """Return P(best) said and right, and regret, as means over columns; all [tasks, columns] but `sd` [columns]."""
    columns = np.arange(truth.shape[1])
    is_best = truth >= truth.max(axis=0) - EPSILON
    named, chosen = p_best.argmax(axis=0), criterion.argmax(axis=0)
    right = is_best[named, columns] / is_best.sum(axis=0)
    regret = (truth.max(axis=0) - truth[chosen, columns]) / sd
    return [float(p_best.max(axis=0).mean()), float(right.mean()), float(regret.mean())]
