"""Do the claims of Phang et al. 2020 hold here, and how does our gain compare with the published one?

    python analysis/published.py runs/full-xtreme
    python analysis/published.py runs/full-xtreme --format latex

Reads what rank.py reads. The published rows are in spaces/published.py, the claims in
spaces/published_claims.py, with their sources. Only scores on XTREME are compared and tested; for a synthetic benchmark
the published rows are shown alone.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.published import build_answer
from analysis.answers.script import build_question_parser, run_question
from analysis.questions.published_claims import judge_claims
from analysis.questions.published_comparison import compare_with_published
from analysis.tables.answer import Answer
from analysis.transfer.array import Transfer
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("published.py", __doc__)

    def build(transfer: Transfer, _: Namespace) -> Answer:
        return build_answer(transfer, compare_with_published(transfer), judge_claims(transfer))

    return run_question(parser, argv, build)


if __name__ == "__main__":
    sys.exit(run_command(main))
