"""Which axis of the search moves the score most: task, learning rate, seed or language?

    python analysis/axes.py runs/full-miniature

Reads what rank.py reads. All finished runs count, not only those that English dev chose.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.axes import build_answer
from analysis.answers.script import run_question
from analysis.questions.factors import compare_axes
from analysis.scores.arguments import add_learning_rate, build_script_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Split and print; returns the exit code: 0, or 2 for bad usage."""
    parser = build_script_parser("axes.py", __doc__ or "")
    add_learning_rate(parser)
    return run_question(parser, argv, lambda found, _: build_answer(found, compare_axes(found)))


if __name__ == "__main__":
    sys.exit(main())
