"""Is English dev a good judge of learning rates and of intermediate tasks, and what does stopping early cost?

    python analysis/selection.py runs/full-miniature
    python analysis/selection.py scores.parquet --format json

Reads what rank.py reads. A Parquet file also needs the columns split and learning_rate, and rows of split dev.
Early stopping is replayed on the strata in which every run finished.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.script import build_question_parser, run_question
from analysis.answers.selection import build_answer
from analysis.questions.judging import judge_dev_selection
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Judge and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("selection.py", __doc__)
    return run_question(parser, argv, lambda transfer, _: build_answer(transfer, judge_dev_selection(transfer)))


if __name__ == "__main__":
    sys.exit(run_command(main))
