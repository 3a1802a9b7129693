"""How often analysis/alignment.py finds what is not there, and what is: worlds of arrays with a known truth.

python tests/bench/questions_alignment.py --worlds 2000
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "analysis")]

import numpy as np
from alignment_worlds import Truth, world

from analysis.questions.alignment import ACROSS_LANGUAGES, ACROSS_TASKS, FROM_START, assess_alignment
from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE
from analysis.statistics.significance import ALPHA

TRUTHS = {
    "nothing rises, tasks do not differ": Truth(tasks=0.0),
    "tasks rise and help, each for its own reasons": Truth(rise=5.0),
    "alignment rises and makes the gain": Truth(rise=5.0, slope=2.0),
}
OTHERS = tuple(MEASURES)[1:]


def shares(truth: Truth, worlds: int, seeds: int) -> dict[str, float]:
    """The share of worlds in which each test of PRIMARY is below ALPHA, and any adjusted one of the others is."""
    draw = np.random.default_rng(0)
    found: dict[str, list[bool]] = {}
    for _ in range(worlds):
        tested = assess_alignment(world(draw, truth, seeds), draw)
        tests = {f"rise over {name}": by[PRIMARY_MEASURE].p for name, by in tested.rises.items()}
        tests |= {
            f"across {name}": tested.relations[name][PRIMARY_MEASURE].p for name in (ACROSS_TASKS, ACROSS_LANGUAGES)
        }
        adjusted = [tested.adjusted_relations[name][PRIMARY_MEASURE] for name in (ACROSS_TASKS, ACROSS_LANGUAGES)]
        either = [p for p in adjusted if p is not None]
        tests["across either (Holm)"] = min(either)
        over = tested.adjusted_rises[FROM_START]
        tests["any other measure rises (Holm)"] = min(p for name in OTHERS if (p := over[name]) is not None)
        for name, p in tests.items():
            found.setdefault(name, []).append(p is not None and p < ALPHA)
    return {name: float(np.mean(hits)) for name, hits in found.items()}


def main() -> None:
    """Print a table per truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    for name, truth in TRUTHS.items():
        print(f"{name} ({given.worlds} worlds, {given.seeds} seeds):")
        for test, share in shares(truth, given.worlds, given.seeds).items():
            print(f"  {share:6.1%}  {test}")


if __name__ == "__main__":
    main()
