"""Does the distance between intermediate task and target predict gain, on one target as on the others?

    python analysis/similarity.py runs/full-miniature
    python analysis/similarity.py runs/full-miniature --target xnli --matrices

Reads what rank.py reads. Distances need a sweep that was run with --probes similarity. The first tenth of tuning needs
the dev rows of any sweep; the mean gain elsewhere needs scores only.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.script import DRAW_SEED, build_question_parser, run_question
from analysis.answers.similarity import build_answer
from analysis.questions.similarity import DEFAULT_FOCUS, compare_predictors
from analysis.questions.unseen_pairs import compare_unseen_pairs
from analysis.scores.arguments import add_same_data
from analysis.tables.answer import Answer
from analysis.transfer.array import Transfer
from analysis.transfer.same_data import find_same_data
from spaces.command import run_command
from spaces.probe_columns import PROBES_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Judge and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("similarity.py", __doc__)
    parser.add_argument("--target", metavar="NAME", help=f"compare it with the other targets; default: {DEFAULT_FOCUS}")
    add_same_data(parser)
    parser.add_argument("--matrices", action="store_true", help="also print every predictor, task by target")

    def answer_to(transfer: Transfer, arguments: Namespace) -> Answer:
        comparison = compare_predictors(transfer, np.random.default_rng(DRAW_SEED), arguments.target)
        cells = find_same_data(transfer)
        unseen = compare_unseen_pairs(comparison, cells, np.random.default_rng(DRAW_SEED))
        return build_answer(transfer, comparison, unseen, cells, with_matrices=arguments.matrices)

    return run_question(parser, argv, answer_to, PROBES_FILE)


if __name__ == "__main__":
    sys.exit(run_command(main))
