"""Does the distance between intermediate task and target predict gain, on one target as on the others?

    python analysis/similarity.py runs/full-miniature
    python analysis/similarity.py runs/full-miniature --target xnli --matrices

Reads what rank.py reads. Distances come from the probes of a sweep that was run with --probes similarity; what the
first tenth of tuning predicts needs the dev rows of any sweep, and the mean gain elsewhere nothing but scores.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.similarity import SEED, answer
from analysis.questions.similarity import FOCUS, similarity
from analysis.scores.arguments import add_learning_rate, arguments
from analysis.tables.answer import Answer
from analysis.tables.script import answered
from analysis.transfer.array import Transfer
from spaces.probe_columns import PROBES


def main(argv: Sequence[str] | None = None) -> int:
    """Judge and print; returns the exit code: 0, or 2 for bad usage."""
    parser = arguments("similarity.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--target", metavar="NAME", help=f"compare it with the other targets; default: {FOCUS}")
    parser.add_argument("--matrices", action="store_true", help="also print every predictor, task by target")

    def answer_to(found: Transfer, given: Namespace) -> Answer:
        judged = similarity(found, np.random.default_rng(SEED), given.target)
        return answer(found, judged, all_numbers=given.matrices)

    return answered(parser, argv, answer_to, PROBES)


if __name__ == "__main__":
    sys.exit(main())
