"""Worlds for the simulations of errors: how the scores of chains on targets vary over seeds.

A world fixes the standard deviation over seeds of every chain on every target. Unless it says otherwise it has 10 tasks
and a baseline, 9 targets whose standard deviations lie a factor of 6 apart, a tenth of the variance common to all
chains at a seed (it cancels in gains), and a fifth of the rest common to all targets of a chain (its intermediate run).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from calibration import EFFECTS

from analysis.statistics.moments import Array, BoolArray

Generator = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class World:
    """How the scores of a table vary over seeds."""

    tasks: int = 10
    targets: int = 9
    target_range: float = 6.0  # of the greatest to the smallest standard deviation by target
    chain_sd: float = 0.0  # standard deviation of the logarithm of a chain's factor
    cell_sd: float = 0.0  # the same of a chain on a target
    first_task: float = 1.0  # factor of one task's standard deviation
    baseline: float = 1.0  # factor of the baseline's
    first_target: float = 1.0  # factor of the baseline's on one target alone
    common: float = 0.1  # share of the variance that all chains have in common at a seed
    loads: float = 0.0  # the common part moves chains by 1 - loads to 1 + loads
    run: float = 0.2  # share of the rest that a chain's targets have in common
    seeds_vary: str = "normal"
    holes: float = 0.0
    controls: int = 0  # the last tasks are controls, three times as noisy

    @property
    def is_reference(self) -> BoolArray:
        return np.arange(self.tasks) < self.tasks - self.controls

    def draw_sd(self, rng: Generator) -> Array:
        """Return standard deviations over seeds: 1 + tasks x targets, the baseline first."""
        sd = np.geomspace(1.0, self.target_range, self.targets) * np.ones((1 + self.tasks, 1))
        sd = sd * np.exp(
            rng.normal(0, 1, (1 + self.tasks, 1)) * self.chain_sd + rng.normal(0, 1, sd.shape) * self.cell_sd
        )
        sd[0] *= self.baseline
        sd[0, 0] *= self.first_target
        sd[1] *= self.first_task
        sd[1:][~self.is_reference] *= 3.0
        return np.asarray(sd)

    def draw_gains(self, rng: Generator, sd: Array, seeds: int) -> tuple[Array, Array]:
        """Return gains without any effect (tasks x targets x seeds), and the baseline's scores (targets x seeds)."""
        draw, (chains, targets) = EFFECTS[self.seeds_vary], sd.shape
        common = np.sqrt(self.common) * np.linspace(1 - self.loads, 1 + self.loads, chains)[:, None, None]
        run, rest = np.sqrt(self.run * (1 - self.common)), np.sqrt((1 - self.run) * (1 - self.common))
        own = run * draw(rng, (chains, 1, seeds)) + rest * draw(rng, (chains, targets, seeds))
        typical = np.geomspace(1.0, self.target_range, targets)[:, None]
        scores = common * typical * draw(rng, (1, targets, seeds)) + sd[..., None] * own
        scores[rng.random(scores.shape) < self.holes] = np.nan
        return scores[1:] - scores[:1], scores[0]

    def measure_sd(self, rng: Generator, sd: Array) -> tuple[Array, Array]:
        """Return the standard deviations over seeds of gains (tasks x targets) and of their means over targets."""
        gains, _ = replace(self, holes=0.0, seeds_vary="normal").draw_gains(rng, sd, 4_000)
        return gains.std(axis=-1), gains.mean(axis=1).std(axis=-1)[:, None]


WORLDS = {
    "usual": World(),
    "equal targets": World(target_range=1.0),
    "targets x10": World(target_range=10.0),
    "by chain": World(chain_sd=0.5),
    "one noisy task": World(first_task=3.0),
    "by cell": World(cell_sd=0.5),
    "heavy": World(seeds_vary="heavy"),
    "skewed": World(seeds_vary="skewed"),
    "collapsing": World(seeds_vary="collapsing"),
    "baseline 2.5": World(baseline=2.5),
    "baseline 0.4": World(baseline=0.4),
    "base, 1 target": World(first_target=3.0),
    "half common": World(common=0.5),
    "unequal loads": World(common=0.5, loads=0.5),
    "run common": World(run=0.7),
    "controls": World(tasks=12, controls=2),
    "holes 3 %": World(holes=0.03),
    "holes 8 %": World(holes=0.08),
}


def draw_worlds(rng: Generator, count: int) -> Iterator[tuple[World, int]]:
    """Yield random worlds, each with a number of seeds."""
    for _ in range(count):
        yield (
            World(
                tasks=int(rng.choice([6, 7, 9, 11, 15, 25, 40])),
                targets=int(rng.choice([1, 3, 6, 9, 12, 20])),
                target_range=float(np.exp(rng.uniform(0, np.log(12)))),
                chain_sd=float(rng.choice([0.0, 0.0, 0.25, 0.5])),
                cell_sd=float(rng.choice([0.0, 0.2, 0.4, 0.6])),
                first_task=float(rng.choice([1.0, 1.0, 2.0, 4.0])),
                baseline=float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))),
                common=float(rng.uniform(0, 0.6)),
                loads=float(rng.choice([0.0, 0.0, 0.5])),
                run=float(rng.uniform(0, 0.7)),
                seeds_vary=str(rng.choice(["normal", "normal", "skewed", "heavy", "collapsing"])),
                holes=float(rng.choice([0.0, 0.0, 0.03, 0.08])),
            ),
            int(rng.choice([3, 3, 5])),
        )
