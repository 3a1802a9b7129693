"""What training costs and what comes of it: naive chains, sharing without stopping, and every scheduler, replayed.

    python search/run.py --space full --scheduler none --results DIR --name none     # once: every curve to its end
    python tests/bench/compute.py DIR/none

`naive` is a script per chain: each trains its intermediate task at every rate, takes the best, and fine-tunes one
target from it at every rate; nothing is shared and nothing stopped. It finds what `none` finds, since the runs are the
same. The others are the real searcher, board and scheduler over the recorded curves, on a virtual clock.

A cell is a target at a seed, and its winner the intermediate task (or `none`, the baseline) whose run, the one with the
best English dev, scores best in the other languages. `same winner` is the share of cells with the winner of `none`,
`lost` how many points the winner scores less than that one, on average. `ranks` is Spearman's correlation of the
chains' means over seeds with those of `none`, averaged over targets. Were another arm of a phase to win, its children
would be runs that were never trained: such cells are `unknown`, and count as another winner.
"""

import argparse
import json
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)
sys.path.insert(1, str(ROOT / "tests"))

from virtual.courses import Recorded
from virtual.sweep import virtual_sweep

from search.board.board import Board
from search.cost.cost import estimate_cost
from search.request.options import SCHEDULERS
from spaces.language import ENGLISH
from trainables.storage.local_storage import LocalStorage

Cell = tuple[str, int]  # target, seed
Scores = Mapping[Cell, Mapping[str, float]]  # of each chain, in points; NaN where it is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A scheduler's sweep over the recorded curves."""

    steps: int
    seconds: float  # of work
    makespan: float
    scores: Scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="folder of a sweep that ran with --scheduler none")
    parser.add_argument("--slots", type=int, default=2, help="for the makespan (default: %(default)s)")
    parser.add_argument("--schedulers", default=",".join(SCHEDULERS))
    options = parser.parse_args()
    flags = flags_of(json.loads((options.sweep / "sweep.json").read_text())["spec"])
    courses = Recorded(LocalStorage(options.sweep.resolve().parent))
    whole = replay(options, [*flags, "--scheduler", "none"], courses)
    request = virtual_sweep([*flags, "--scheduler", "none"]).request
    naive = estimate_cost(request, options.slots, "winners").naive_steps
    assert naive is not None
    cells, seeds = len(whole.scores), len(request.axes.seeds)
    print(f"{len(request.axes.intermediates)} chains, {seeds} seeds, {cells} cells; {' '.join(flags)}\n")
    print("| | steps | of naive | work, h | makespan, h | same winner | lost | ranks | unknown |")
    print("|---|---|---|---|---|---|---|---|---|")
    hours = whole.seconds * naive / whole.steps / 3600
    print(f"| naive | {naive:,} | 1 | {hours:.2f} | {hours / options.slots:.2f} | 1 | 0 | 1 | 0 |")
    for name in options.schedulers.split(","):
        found = whole if name == "none" else replay(options, [*flags, "--scheduler", name], courses)
        print(row(name, found, whole, naive), flush=True)
    return 0


def flags_of(spec: Mapping[str, object]) -> list[str]:
    """The command line that asks for the same plan."""
    axes = {name: name.replace("-", "_") for name in ("intermediates", "targets", "seeds", "learning-rates")}
    flags = [f"--space={spec['space']}", f"--benchmark={spec['benchmark']}"]
    for flag, field in axes.items():
        values = spec[field]
        assert isinstance(values, list)
        flags.append(f"--{flag}={','.join(map(str, values))}")
    return flags


def replay(options: Namespace, flags: Sequence[str], courses: Recorded) -> Replayed:
    """Run the sweep on a virtual clock, and look up what the runs that won scored."""
    courses.missing.clear()
    _, used, board = virtual_sweep(flags).run(courses, options.slots)
    where = str(options.sweep.resolve().parent)
    found = scores(board, courses, where)
    return Replayed(steps=used.steps, seconds=used.busy, makespan=used.makespan, scores=found)


def scores(board: Board, courses: Recorded, results: str) -> Scores:
    """The mean over languages but English of every chain's winner, by cell."""
    found: defaultdict[Cell, dict[str, float]] = defaultdict(dict)
    for group in board.states.values():
        stratum = group.stratum
        if stratum.kind not in ("target", "retrieval") or group.is_decided or group.winner is None:
            continue
        key = group.winner.stage.key
        known = {} if key in courses.missing else means(results, key)
        for target in stratum.targets:
            found[target, stratum.seed][stratum.intermediate] = known.get(target, float("nan"))
    return found


@cache
def means(results: str, key: str) -> Mapping[str, float]:
    """Points of each target of a stage: the mean of the official metrics over its languages, without English."""
    rows = pl.read_parquet(f"{results}/stages/{key}/scores.parquet")
    there = rows.filter((pl.col("split") == "test") & pl.col("official") & (pl.col("language") != ENGLISH))
    by_target = there.group_by("target").agg(100 * pl.col("value").mean())
    return {str(target): float(value) for target, value in by_target.iter_rows()}


def row(name: str, found: Replayed, whole: Replayed, naive: int) -> str:
    """A scheduler's line."""
    same, lost = [], []
    for cell, all_chains in whole.scores.items():
        chains = {chain: value for chain, value in found.scores.get(cell, {}).items() if np.isfinite(value)}
        best = max(all_chains, key=lambda chain: all_chains[chain])
        mine = max(chains, key=lambda chain: chains[chain], default=None)
        same.append(mine == best)
        if mine is not None:
            lost.append(all_chains[best] - all_chains[mine])
    unknown = sum(not np.isfinite(value) for chains in found.scores.values() for value in chains.values())
    number = sum(map(len, whole.scores.values()))
    return (
        f"| {name} | {found.steps:,} | {found.steps / naive:.3f} | {found.seconds / 3600:.2f} | "
        f"{found.makespan / 3600:.2f} | {np.mean(same):.3f} | {np.mean(lost):.2f} | {ranks(found, whole):.3f} | "
        f"{unknown / number:.1%} |"
    )


def ranks(found: Replayed, whole: Replayed) -> float:
    """The correlation of the chains' means over seeds, averaged over targets."""
    each = []
    for target in dict.fromkeys(target for target, _ in whole.scores):
        ours, theirs = over_seeds(found.scores, target), over_seeds(whole.scores, target)
        chains = [chain for chain in theirs if np.isfinite(ours.get(chain, np.nan))]
        each.append(spearmanr([ours[one] for one in chains], [theirs[one] for one in chains]).statistic)
    return float(np.mean(each))


def over_seeds(scored: Scores, target: str) -> dict[str, float]:
    """Each chain's mean over the seeds that it has."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for (name, _), chains in scored.items():
        for chain, value in chains.items():
            if name == target and np.isfinite(value):
                values[chain].append(value)
    return {chain: float(np.mean(all_)) for chain, all_ in values.items()}


if __name__ == "__main__":
    sys.exit(main())
