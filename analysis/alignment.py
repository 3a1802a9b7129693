"""Does intermediate training align languages, and does alignment explain transfer?

    python search/run.py --space full --probes alignment
    python analysis/alignment.py runs/full-miniature
    python analysis/alignment.py runs/full-miniature --format csv    # with every layer

Reads sweeps whose stages left probes.parquet.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.alignment import SEED, answer
from analysis.questions.aligned import aligned
from analysis.questions.alignment import findings
from analysis.scores.arguments import add_learning_rate, arguments
from analysis.tables.answer import Answer
from analysis.tables.script import answered
from analysis.transfer.array import Transfer
from spaces.probe_columns import PROBES


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code: 0, or 2 for bad usage."""
    parser = arguments("alignment.py", __doc__ or "")
    add_learning_rate(parser)

    def answer_to(read: Transfer, given: Namespace) -> Answer:
        found = aligned(read)
        tested = findings(found, np.random.default_rng(SEED))
        return answer(read, found, tested, layers=given.format in ("csv", "json"))

    return answered(parser, argv, answer_to, PROBES)


if __name__ == "__main__":
    sys.exit(main())
