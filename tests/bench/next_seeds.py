"""Are seeds that are spent as `next_seeds.py` advises worth more than the same number spread evenly?

    python tests/bench/next_seeds.py --worlds 400 --budget 20
    python tests/bench/next_seeds.py runs/ten-seeds --repetitions 20 --budget 20

Two stages: three seeds of every chain, then `--budget` further ones (a chain at one seed each, the baseline's
included) as advised, evenly, or not at all; then the task is chosen by its shrunken gain. Worlds are simulated: true
effects are known, and points are standard deviations over seeds. Of a sweep with many seeds three are drawn at random
for the first stage, the others wait for the second; the truth is the mean over all of them, so that it shares seeds
with every choice. Regret: the best true gain less that of the chosen task, with its standard error over worlds.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a script
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.questions.next_seeds import CRITERIA, Criterion, collect_knowledge
from analysis.scores.load import load
from analysis.statistics import allocation
from analysis.statistics.allocation import Knowledge
from analysis.statistics.gain_errors import fit_error_model
from analysis.statistics.moments import Array, IntArray
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import TransferColumn, compute_column
from analysis.transfer.uncertainty import Uncertainty
from tests.bench.parts import row

TASKS, TARGETS, FIRST, SECOND = 10, 9, 3, 20  # seeds of each stage
SURE = allocation.SURE


@dataclass(frozen=True, kw_only=True)
class Case:
    """Scores [1 + tasks, targets, seeds], the baseline first, their first-stage seeds first; and true gains."""

    scores: Array
    truth: Array  # [tasks, targets]


def make_worlds(rng: np.random.Generator, common: float, own: float, **kind: float) -> Iterator[Case]:
    """Yield worlds: effects of this sd, common to targets and own to each, and noise of sd 1 over seeds."""
    while True:
        shape = (1 + TASKS, TARGETS, FIRST + SECOND)
        effects = common * rng.standard_normal((1 + TASKS, 1)) + own * rng.standard_normal((1 + TASKS, TARGETS))
        scale = np.exp(kind.get("by_target", 0.0) * rng.standard_normal((1, TARGETS, 1)))
        scale = scale * np.exp(kind.get("by_task", 0.0) * rng.standard_normal((1 + TASKS, 1, 1)))
        scale[0] *= kind.get("baseline", 1.0)
        share = kind.get("share", 0.1)
        run = rng.standard_normal((1 + TASKS, 1, shape[2])) * np.sqrt(0.2)  # of the intermediate run, on all targets
        noise = run + np.sqrt(0.8) * rng.standard_normal(shape)
        noise = np.sqrt(1 - share) * noise + np.sqrt(share) * rng.standard_normal((1, TARGETS, shape[2]))
        yield Case(scores=effects[..., None] + scale * noise, truth=effects[1:] - effects[:1])


WORLDS: Mapping[str, Mapping[str, float]] = {
    "effects common to targets": {"common": 0.7, "own": 0.2},
    "effects both": {"common": 0.5, "own": 0.7},
    "effects own to targets": {"common": 0.1, "own": 1.0},
    "half of the noise common": {"common": 0.5, "own": 0.7, "share": 0.5},
    "noise by target x e": {"common": 0.5, "own": 0.7, "by_target": 0.7},
    "noise by task": {"common": 0.5, "own": 0.7, "by_task": 0.4},
    "baseline twice as noisy": {"common": 0.5, "own": 0.7, "baseline": 2.0},
    "effects small": {"common": 0.15, "own": 0.2},
}


def read_cases(path: Path, rng: np.random.Generator) -> Iterator[Case]:
    """Yield the scores of a sweep with its seeds in random order; tasks and seeds with a hole are left out."""
    transfer = build_transfer(load([path]))
    columns = [TransferColumn(name=target, targets=(target,)) for target in transfer.targets]
    chains = [
        i for i in range(1 + len(transfer.intermediates)) if transfer.chains[i] not in transfer.loaded_scores.controls
    ]
    scores = np.stack([compute_column(transfer, column, transfer.scores).values[chains] for column in columns], axis=1)
    whole = np.isfinite(scores[0]).all(axis=0)
    kept = np.isfinite(scores[..., whole]).all(axis=(1, 2))
    print(f"{kept.sum() - 1} of {len(chains) - 1} tasks, {whole.sum()} of {len(whole)} seeds; controls are left out.")
    table = scores[kept][..., whole]
    truth = table.mean(axis=-1)
    while True:
        yield Case(scores=table[..., rng.permutation(table.shape[-1])], truth=truth[1:] - truth[:1])


def learn(gains: Array, criterion: Criterion, most_seeds: int, rng: np.random.Generator) -> Knowledge:
    """What is known of gains [tasks, targets, seeds]."""
    tasks = np.ones(len(gains), np.bool_)
    model = fit_error_model(gains, np.zeros(gains.shape[1:]), tasks, "moderated")  # no choice needs the baseline's own
    uncertainty = Uncertainty(
        transfer=None,  # type: ignore[arg-type]  # no column is asked for
        gains=gains,
        is_reference=tasks,
        model=model,
        shrunken=model.shrink(gains),
        item_covariances={},
        rng=rng,
        draw_count=0,
    )
    count = gains.shape[1]
    weights = np.full((1, count), 1 / count) if criterion == "mean" else np.eye(count)
    return collect_knowledge(uncertainty, weights, tasks, most_seeds)


def spend(case: Case, seeds: IntArray) -> Array:
    """Gains after the second stage: each task has its first new seeds, the baseline those of all."""
    present = np.arange(case.scores.shape[-1]) < FIRST + seeds[:, None, None]
    return np.where(present, case.scores[1:] - case.scores[:1], np.nan)


def judge(
    case: Case, gains: Array, criterion: Criterion, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Regret, share right, share told apart, share told apart wrongly; means over criteria."""
    known = learn(gains, criterion, 0, rng)
    truth = case.truth.mean(axis=1)[None] if criterion == "mean" else case.truth.T
    chosen = known.mean.argmax(axis=1)[:, None]
    regret = truth.max(axis=1) - np.take_along_axis(truth, chosen, axis=1)[:, 0]
    lead = np.take_along_axis(known.mean, chosen, axis=1) - known.mean
    error = np.sqrt(np.take_along_axis(known.variance, chosen, axis=1) + known.variance)
    apart = lead > 1.96 * error
    np.put_along_axis(apart, chosen, np.True_, axis=1)
    told, right = apart.all(axis=1), regret <= 1e-9
    return float(regret.mean()), float(right.mean()), float(told.mean()), float((told & ~right).mean())


def compare(cases: Iterator[Case], count: int, budget: int, criterion: Criterion, rng: np.random.Generator) -> None:
    """Print what each way of spending the budget leads to."""
    results: dict[str, list[tuple[float, float, float, float]]] = {}
    expected: list[tuple[float, float]] = []
    for _, case in zip(range(count), cases, strict=False):
        tasks = len(case.truth)
        known = learn(
            spend(case, np.zeros(tasks, np.int64)), criterion, min(budget, case.scores.shape[-1] - FIRST), rng
        )
        normals = allocation.draw_normals(tasks, rng)
        likely = np.argsort(-allocation.estimate_best(known, normals).mean(axis=0))[:4]
        ways: dict[str, IntArray] = {
            "first stage": np.zeros(tasks, np.int64),
            "spread evenly": allocation.spread_evenly(known, budget),
            "best four": np.bincount(likely, minlength=tasks) * min(budget // 5, known.most_seeds),
            "as advised": allocation.allocate_seeds(known, budget, normals),
        }
        for name, seeds in ways.items():
            results.setdefault(name, []).append(judge(case, spend(case, seeds), criterion, rng))
            if name == "as advised":
                expected.append((allocation.predict_outlook(known, seeds, normals).regret, results[name][-1][0]))
    row("", "regret", "s.e.", "right", "told apart", "wrongly", width=14)
    for name, values in results.items():
        table = np.array(values)
        error = float(table[:, 0].std(ddof=1) / np.sqrt(len(table)))
        row(name, float(table[:, 0].mean()), error, *map(float, table[:, 1:].mean(axis=0)), width=14)
    differences = np.array(
        [even[0] - advised[0] for even, advised in zip(results["spread evenly"], results["as advised"], strict=True)]
    )
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    said, found = np.mean(expected, axis=0)
    print(
        f"evenly less advised: {differences.mean():+.3f} (s.e. {error:.3f}); "
        f"the advice expected {said:.3f} and found {found:.3f}\n"
    )


def main() -> None:
    """Run the worlds, or a sweep."""
    about, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweep", nargs="?", type=Path, help="a sweep with many seeds, instead of simulated worlds")
    parser.add_argument("--worlds", type=int, default=200, help="simulated worlds of each kind")
    parser.add_argument("--repetitions", type=int, default=20, help="orders of a sweep's seeds")
    parser.add_argument("--budget", type=int, default=20, help="chains at one seed each in the second stage")
    parser.add_argument("--by", choices=CRITERIA, action="append", help="only this criterion; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    for criterion in flags.by or CRITERIA:
        if flags.sweep is not None:
            rng = np.random.default_rng(flags.seed)
            print(f"{flags.sweep}, by {criterion}, {flags.repetitions} repetitions, budget {flags.budget}:", end=" ")
            compare(read_cases(flags.sweep, rng), flags.repetitions, flags.budget, criterion, rng)
            continue
        for number, (name, kind) in enumerate(WORLDS.items()):
            rng = np.random.default_rng([flags.seed, number])
            print(f"{name}, by {criterion}, {flags.worlds} worlds, budget {flags.budget}")
            compare(make_worlds(rng, **kind), flags.worlds, flags.budget, criterion, rng)


if __name__ == "__main__":
    main()
