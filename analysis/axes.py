"""Which axis of the search moves the score most: task, learning rate, seed or language?

    python analysis/axes.py runs/full-miniature
    python analysis/axes.py scores.parquet --format json

Reads what rank.py reads. All finished runs count, not only those that English dev selected.
Prints standard deviations over tasks and over seeds, and the share of the variance of every axis.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.axes import build_answer
from analysis.answers.script import build_question_parser, run_question
from analysis.questions.factors import compare_axes
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Split and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("axes.py", __doc__)
    return run_question(parser, argv, lambda transfer, _: build_answer(transfer, compare_axes(transfer)))


if __name__ == "__main__":
    sys.exit(run_command(main))
