"""Do the intervals for other languages and other targets cover what they promise? Simulated gains with a known truth.

    python tests/bench/new_samples.py                      # both parts, a few minutes
    python tests/bench/new_samples.py --part chosen --worlds 400

A gain of one task on target t in language l at seed s is a constant, plus an effect of the target, of the family of
the language, of the language, of family and language on this target alone, of the seed, and noise. `chosen` worlds
were used to choose the method, `random` ones were drawn by another stream and prove it. `seeds` is the plain interval
over seeds, which promises nothing here; `clusters` leaves seeds out; `larger` takes the larger error of both; `sum`
adds their variances, with Satterthwaite's degrees of freedom; `both` adds the squares of their half widths (the
project's). Figures: percent of intervals at 95 % that contain the truth, with standard errors, and the median width
of `both` in standard deviations of the noise.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

from parts import row, run_parts

from analysis.statistics.cluster_errors import estimate_cluster_errors
from analysis.statistics.interval import t_quantile
from analysis.statistics.moderation import add_freedom
from analysis.statistics.moments import Array, IntArray

Generator = np.random.Generator
WAYS = ("seeds", "clusters", "larger", "sum", "both")


@dataclass(frozen=True, kw_only=True)
class World:
    """Standard deviations of the parts of a gain; the noise of a cell at a seed has 1."""

    targets: int = 9
    families: tuple[int, ...] = (3, 4, 2, 4, 1, 1, 2, 3, 4, 2, 3, 2, 2, 1, 1, 1, 1, 1, 1)  # languages of each
    seeds: int = 3
    share: float = 0.4  # of the languages that a target has
    target: float = 5.0
    family: float = 1.5
    language: float = 1.5
    by_target: float = 1.0  # of a family, and of a language, on one target
    seed: float = 0.7  # all targets and languages alike
    target_seed: float = 1.0
    tails: bool = False  # effects of targets by Student's t with 3 degrees of freedom


@dataclass(frozen=True)
class Table:
    """One drawn table, and the true gain of each claim."""

    gains: Array  # cells x seeds
    targets: IntArray  # of the cells
    families: IntArray
    truth: dict[str, float]


def draw(rng: Generator, world: World) -> Table:
    """Draw a table.

    A claim about other languages holds these targets, whose effects are part of its truth; one about other targets
    holds these languages.
    """
    family_of = np.repeat(np.arange(len(world.families)), world.families)
    languages, count = len(family_of), len(world.families)
    has = rng.random((world.targets, languages)) < world.share
    for target in range(world.targets):
        has[target, rng.choice(languages, min(2, languages), replace=False)] = True
    effects = rng.standard_t(3, world.targets) / 3**0.5 if world.tails else rng.normal(size=world.targets)
    of_language = world.family * rng.normal(size=count)[family_of] + world.language * rng.normal(size=languages)
    by_cell = world.target * effects[:, None] + of_language
    by_cell += world.by_target * (
        rng.normal(size=(world.targets, count))[:, family_of] + rng.normal(size=(world.targets, languages))
    )
    seeds = world.seed * rng.normal(size=world.seeds) + world.target_seed * rng.normal(
        size=(world.targets, 1, world.seeds)
    )
    gains = by_cell[..., None] + seeds + rng.normal(size=(world.targets, languages, world.seeds))
    targets, members = np.nonzero(has)
    truth = {"languages": world.target * float(effects.mean()), "targets": float(of_language.mean())}
    return Table(gains[targets, members], targets, family_of[members], truth)


def cover(world: World, rng: Generator) -> dict[str, tuple[Array, float]]:
    """Return for each claim which ways cover the truth, and the width of `both`."""
    table = draw(rng, world)
    gains, targets = table.gains, table.targets
    strata = np.unique(targets)
    by_target = np.stack([gains[targets == each].mean(axis=0) for each in strata])  # targets x seeds
    by_seed = by_target.mean(axis=0)
    seed_variance, seed_freedom = by_seed.var(ddof=1) / world.seeds, world.seeds - 1.0
    cells = gains.mean(axis=1)
    errors = {
        "languages": estimate_cluster_errors(cells[None], targets, table.families),
        "targets": estimate_cluster_errors(by_target.mean(axis=1)[None], 0 * strata, strata),
    }
    result = {}
    for claim, error in errors.items():
        mean, variance, freedom = float(error.mean[0]), float(error.variance[0]), error.freedom
        total = add_freedom(*(np.asarray(x) for x in (variance, freedom, seed_variance, seed_freedom)))
        ways = {
            "seeds": (seed_variance, seed_freedom),
            "clusters": (variance, freedom),
            "larger": max(((variance, freedom), (seed_variance, seed_freedom))),
            "sum": (variance + seed_variance, float(total)),
        }
        halves = [float(t_quantile(freedom, 0.95)) * variance**0.5 for variance, freedom in ways.values()]
        halves.append(float(np.hypot(halves[0], halves[1])))
        result[claim] = np.abs(mean - table.truth[claim]) <= np.array(halves), 2 * halves[-1]
    return result


def print_world(name: str, world: World, rng: Generator, tables: int) -> None:
    found: dict[str, list[tuple[Array, float]]] = {}
    for _ in range(tables):
        for claim, each in cover(world, rng).items():
            found.setdefault(claim, []).append(each)
    for claim, results in found.items():
        covered = 100 * np.array([hits for hits, _ in results]).mean(axis=0)
        errors = np.sqrt(covered * (100 - covered) / tables)
        figures = [f"{value:.1f}±{error:.1f}" for value, error in zip(covered, errors, strict=True)]
        row(f"{name:24}", claim, *figures, float(np.median([width for _, width in results])))
    sys.stdout.flush()


def head() -> None:
    row(f"{'world':24}", "new", *WAYS, "width")


CHOSEN = {
    "usual": World(),
    "miniature": World(families=(2, 2, 1), share=1.0),
    "two families": World(families=(4, 2), share=1.0),
    "languages do not differ": World(family=0, language=0, by_target=0),
    "targets do not differ": World(target=0, by_target=0, family=0, language=0),
    "one large family": World(families=(20, 1, 1, 1, 1)),
    "three targets": World(targets=3),
    "two targets": World(targets=2),
    "heavy tails": World(tails=True),
    "noisy seeds": World(seed=4),
}


def chosen(rng: Generator, tables: int) -> None:
    print(f"\nChosen worlds, {tables} tables of each\n")
    head()
    for name, world in CHOSEN.items():
        print_world(name, world, rng, tables)


def random(rng: Generator, tables: int) -> None:
    print(f"\nTwenty worlds that nobody chose, {tables} tables of each\n")
    head()
    for number in range(20):
        sizes = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(2, 20))))
        scales = {name: float(np.exp(rng.normal(0, 0.8))) for name in ("family", "language", "by_target", "seed")}
        world = World(
            targets=int(rng.integers(2, 13)),
            families=sizes,
            seeds=int(rng.integers(3, 8)),
            share=float(rng.uniform(0.3, 1)),
            target=float(rng.uniform(0, 8)),
            tails=bool(rng.random() < 0.3),
            **scales,  # type: ignore[arg-type]
        )
        print_world(f"{number}: {world.targets} x {len(sizes)} x {world.seeds}", world, rng, tables)


PARTS = {"chosen": chosen, "random": random}


if __name__ == "__main__":
    run_parts(__doc__, PARTS, worlds=400, of="tables")
