"""Does intermediate training align languages, and does alignment explain transfer?

    python search/run.py --space full --probes alignment
    python analysis/alignment.py runs/full-miniature
    python analysis/alignment.py runs/full-miniature --format csv    # with every layer

Reads sweeps that were run with --probes alignment.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.alignment import build_answer
from analysis.answers.script import DRAW_SEED, build_question_parser, run_question
from analysis.questions.alignment import assess_alignment
from analysis.questions.alignment_values import build_alignment
from analysis.tables.answer import Answer
from analysis.transfer.array import Transfer
from spaces.command import run_command
from spaces.probe_columns import PROBES_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("alignment.py", __doc__)

    def answer_to(transfer: Transfer, arguments: Namespace) -> Answer:
        alignment = build_alignment(transfer)
        findings = assess_alignment(alignment, np.random.default_rng(DRAW_SEED))
        return build_answer(transfer, alignment, findings, with_layers=arguments.format in ("csv", "json"))

    return run_question(parser, argv, answer_to, PROBES_FILE)


if __name__ == "__main__":
    sys.exit(run_command(main))
