"""The record of previews: how often the predicted order has the best task among the first, and what that would save.

    flags="--space full --intermediates A,B,... --learning-rates 1e-3 --scheduler none --seeds 0..9 --results DIR"
    python search/run.py $flags --preview 1 && python search/run.py $flags --preview && python search/run.py $flags
    python tests/bench/preview.py DIR/full-miniature ...

Each seed has a preview of its own. A cell is a target with training rows, at a seed; its best task is the one with the
greatest mean gain over all seeds of the sweep. In the first table `rank` is Spearman's correlation of the order with
these gains, `first K` the share of cells whose best task is among the first K (in brackets that of a random order), and
`lost` what the best of the first 3 gains less than the best of all, in points. `mean` is about the order by the mean
place over targets and the best task by the mean gain: the share of seeds where it is among the first 3, and the loss.

`all` is the fusion of all orders. The second table is about a sweep of SWEEP_SEEDS seeds that trains, beside `none`,
the first K tasks by the mean place, or those among the first K of any target, by LogME: the share of tasks and of steps
that is left, with those of the preview of one seed; the share of cells whose best task is dropped, and of seeds in
which that of any target is; and the mean loss over targets.
"""

import argparse
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from analysis.questions.predictors import build_gain_matrix
from analysis.questions.preview import ORDER_PROBE, Measurements, collect_measurements, read_phase_rows
from analysis.scores.load import load
from analysis.scores.record import read_record
from analysis.statistics.moments import Array, IntArray, average_present
from analysis.statistics.ranks import fuse_ranks
from analysis.transfer.array import build_transfer
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE
from spaces.probe_columns import PREVIEW_PROBES
from spaces.stage import TENTHS
from trainables.preview import SHORT_STEPS

CHOICES = (1, 2, 3, 4, 5)  # numbers of first tasks
SWEEP_SEEDS = 3  # of a sweep that goes on from the preview of one seed


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A finished sweep with its previews, by tenth."""

    name: str
    gains: Array  # [tasks, targets, seeds], in points
    previews: dict[int, Measurements]
    trainings: tuple[str, ...]  # training set of each target
    phase_steps: Array  # [tasks], at one seed
    target_steps: float  # of one chain at one seed

    def expect(self, tenth: int, probes: tuple[str, ...]) -> Array:
        """Return the expected gains [tasks, targets, seeds] on any scale: targets share training sets."""
        measurements = self.previews[tenth]
        orders = np.array([np.moveaxis(measurements.values[probe], 0, -1) for probe in probes])  # candidates last
        values = np.moveaxis(fuse_ranks(orders), -1, 0)
        return values[:, [measurements.trainings.index(name) for name in self.trainings]]

    @property
    def short_steps(self) -> int:
        """The steps of the short trainings, which are thrown away."""
        return len(self.phase_steps) * len({*self.trainings}) * SHORT_STEPS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", type=Path, nargs="+", help="folders of sweeps that ran with --scheduler none")
    for world in map(read_world, parser.parse_args().sweeps):
        tasks, targets, seeds = world.gains.shape
        print(f"\n{world.name}: {tasks} tasks, {targets} targets, {seeds} seeds\n")
        _print_row("after", "by", "rank", *(f"first {k}" for k in CHOICES), "lost", "mean: first 3, lost")
        _print_row(*["---"] * (len(CHOICES) + 5))
        for tenth in world.previews:
            for probes in (*((probe,) for probe in PREVIEW_PROBES), PREVIEW_PROBES):
                name = probes[0] if len(probes) == 1 else "all"
                _print_row(f"{tenth} of {TENTHS}", name, *judge_order(world.expect(tenth, probes), world.gains))
        _print_row("whole sweep", "gains at the other seeds", *judge_order(average_elsewhere(world.gains), world.gains))
        print()
        _print_row("after", "first", "tasks left", "steps", "best dropped", "of any target", "lost")
        _print_row(*["---"] * 7)
        for tenth, criterion, k in product(world.previews, ("mean", "target"), CHOICES):
            _print_row(f"{tenth} of {TENTHS}", f"{k} by {criterion}", *judge_choice(world, tenth, k, criterion))
    return 0


def read_world(folder: Path) -> World:
    record = read_record(folder / "sweep.json")
    scores = load([folder])
    matrix = build_gain_matrix(build_transfer(scores))
    rows = read_phase_rows(folder, record)
    tasks = BENCHMARKS[record["spec"]["benchmark"]].targets
    previews = {
        tenth: collect_measurements(rows.filter(pl.col("tenth") == tenth), matrix.candidates)
        for tenth in sorted({*rows["tenth"]})
    }
    steps = scores.rows.group_by("kind", "intermediate", "seed", "stage").agg(pl.col("steps").first()).collect()
    by_phase = dict(steps.filter(kind="intermediate").group_by("intermediate").agg(pl.col("steps").mean()).iter_rows())
    of_targets = steps.filter(kind="target", intermediate=NONE).group_by("seed").agg(pl.col("steps").sum())["steps"]
    return World(
        name=str(folder),
        gains=matrix.gains,
        previews=previews,
        trainings=tuple(str(tasks[name].training_set) for name in matrix.targets),
        phase_steps=np.array([by_phase[name] for name in matrix.candidates]),
        target_steps=float(of_targets.mean()),  # type: ignore[arg-type]  # of numbers
    )


def average_seeds(gains: Array) -> Array:
    """The mean gain over the seeds that have one: [tasks, targets]; minus infinity where none has, as of no use."""
    return np.nan_to_num(average_present(gains, axis=-1), nan=-np.inf)


def average_elsewhere(gains: Array) -> Array:
    """The mean gain at the other seeds: what a whole sweep of as many seeds would predict."""
    others = [average_seeds(np.delete(gains, seed, axis=-1)) for seed in range(gains.shape[-1])]
    return np.stack(others, axis=-1)


def place_tasks(expected: Array) -> IntArray:
    """Places from 0 along the first axis, 0 for the greatest."""
    return np.argsort(np.argsort(-expected, axis=0, kind="stable"), axis=0)


def judge_order(expected: Array, gains: Array) -> list[str]:
    truth, places = average_seeds(gains), place_tasks(expected)
    best = truth.argmax(axis=0)
    cells = [(target, seed) for target in range(gains.shape[1]) for seed in range(gains.shape[2])]
    ranks = [spearmanr(expected[:, target, seed], truth[:, target]).statistic for target, seed in cells]
    at = np.array([places[best[target], target, seed] for target, seed in cells])
    lost = [truth[:, target].max() - truth[places[:, target, seed] < 3, target].max() for target, seed in cells]
    mean, mean_places = truth.mean(axis=1), place_tasks(-places.mean(axis=1))
    hits = np.mean(mean_places[mean.argmax()] < 3)
    mean_lost = np.mean([mean.max() - mean[mean_places[:, seed] < 3].max() for seed in range(gains.shape[2])])
    shares = [f"{np.mean(at < k):.2f} ({k / len(gains):.2f})" for k in CHOICES]
    return [f"{np.nanmean(ranks):+.2f}", *shares, f"{np.mean(lost):.2f}", f"{hits:.2f}, {mean_lost:.2f}"]


def judge_choice(world: World, tenth: int, k: int, criterion: str) -> list[str]:
    truth = average_seeds(world.gains)
    tasks, _, seeds = world.gains.shape
    places = place_tasks(world.expect(tenth, (ORDER_PROBE,)))
    is_first = (places < k).any(axis=1) if criterion == "target" else place_tasks(-places.mean(axis=1)) < k
    is_dropped = ~is_first[truth.argmax(axis=0)]  # [targets, seeds]
    lost = truth.max(axis=0)[:, None] - np.array([truth[is_first[:, seed]].max(axis=0) for seed in range(seeds)]).T
    whole = world.phase_steps.sum() + (tasks + 1) * world.target_steps
    left = np.array([world.phase_steps[chosen].sum() for chosen in is_first.T])
    left += (is_first.sum(axis=0) + 1) * world.target_steps
    unused = tenth / TENTHS * np.array([world.phase_steps[~chosen].sum() for chosen in is_first.T])
    share = (left + (unused + world.short_steps) / SWEEP_SEEDS) / whole
    return [
        f"{is_first.mean():.2f}",
        f"{share.mean():.2f}",
        f"{is_dropped.mean():.2f}",
        f"{is_dropped.any(axis=0).mean():.2f}",
        f"{lost.mean():.2f}",
    ]


def _print_row(*fields: str) -> None:
    print(f"| {' | '.join(fields)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
