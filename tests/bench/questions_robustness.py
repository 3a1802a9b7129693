"""Does robustness.py find what is planted, and how often does it find something where there is nothing?

    python tests/bench/questions_robustness.py --worlds 1000

A world is the miniature's `--space adversarial` with made-up scores (tests/analysis/hardened.py): chains share what a
seed does to a target and a language, each chain has a part of its own over all targets, each cell one more. Planted:
every method gains so many standard deviations (over seeds, of one difference out of domain) on targets out of domain.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a script
    sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "analysis")]

from hardened import CHAINS, MINIATURE, TARGETS, empty, world

from analysis.questions.method_arms import BASES
from analysis.questions.methods import MethodComparison, MethodOutcome, average_effects, compare_methods
from analysis.statistics.interval import compute_interval
from analysis.transfer.array import Transfer
from spaces.chain import parse_chain

SEEDS = (3, 5, 10)
PLANTED = (0.0, 1.0, 2.0, 4.0)
VERDICTS: tuple[MethodOutcome, ...] = ("out of domain", "mixed drop", "perturbed drop")


def beyond(found: MethodComparison, outcome: MethodOutcome) -> bool:
    """Whether the interval of the mean over all methods and tasks excludes 0, at equal compute."""
    interval = compute_interval(average_effects(found.select_effects("compute", outcome)).tolist())
    return interval is not None and (interval[0] > 0 or interval[1] < 0)


def planted(found: Transfer, size: float, deviation: float) -> Transfer:
    """Every method gains on the targets that are out of domain for its task."""
    scores = found.scores.copy()
    for name in CHAINS:
        read = parse_chain(name)
        if read.method is None:
            continue
        kind = MINIATURE.intermediates[read.tasks[0]].kind
        for target in TARGETS:
            task = MINIATURE.targets[target]
            if task.clean_target is None and task.kind != kind:
                scores[found.chains.index(name), found.targets.index(target)] += size * deviation
    return replace(found, scores=scores)


def main() -> None:
    """Print shares of worlds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"{given.worlds} worlds; share of them in which the interval of the verdict excludes 0, and in which Holm's")
    print("correction leaves any single finding among all methods, tasks and outcomes (sd = of one difference)")
    heads = ("planted", "seeds", *VERDICTS, "any by Holm, compute", "steps")
    print("  ".join(f"{head:>14}" for head in heads))
    for seeds in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            axes = empty(Path(folder), seeds)
        rng = np.random.default_rng(given.seed)
        effects = compare_methods(world(rng, axes)).select_effects("compute", "out of domain")
        spread = [np.nanstd(one.values, ddof=1) for one in effects]
        deviation = float(np.sqrt(np.mean(np.square(spread))))
        for size in PLANTED:
            counts = np.zeros(len(VERDICTS) + len(BASES))
            for _ in range(given.worlds):
                found = compare_methods(planted(world(rng, axes), size, deviation))
                verdicts = [beyond(found, outcome) for outcome in VERDICTS]
                tables = [
                    any(one.is_significant for one in found.effects if one.basis == basis) for basis in reversed(BASES)
                ]
                counts += [*verdicts, *tables]
            shares = "  ".join(f"{share:>14.3f}" for share in counts / given.worlds)
            print(f"{f'{size:g} sd':>14}  {seeds:>14}  {shares}", flush=True)


if __name__ == "__main__":
    main()
