"""Does a more diverse mix of intermediate tasks make transfer more robust, at equal size?

    python analysis/diversity.py runs/diversity-miniature
    python analysis/diversity.py runs/diversity-miniature --target xnli

Reads what rank.py reads. Mixes are recognised by their names: mnli+squad+ccg, multitask, multitask~proportional.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.diversity import build_answer
from analysis.answers.script import DRAW_SEED, build_question_parser, run_question
from analysis.questions.evenness import measure_evenness
from analysis.questions.task_mixes import compare_mixes
from analysis.tables.answer import Answer
from analysis.transfer.array import Transfer
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("diversity.py", __doc__)
    parser.add_argument("--target", metavar="NAME", help="one target instead of the mean over all")

    def answer_to(transfer: Transfer, arguments: Namespace) -> Answer:
        evenness = measure_evenness(transfer, "language", arguments.target)
        return build_answer(compare_mixes(evenness, np.random.default_rng(DRAW_SEED), arguments.target))

    return run_question(parser, argv, answer_to)


if __name__ == "__main__":
    sys.exit(run_command(main))
