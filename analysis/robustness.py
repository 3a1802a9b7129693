"""Does adversarial training of the intermediate phase help out of domain, and where inputs are mixed or perturbed?

    python analysis/robustness.py runs/adversarial-miniature
    python analysis/robustness.py scores.parquet --format json

Reads what rank.py reads. A chain's name gives its method (`mnli~freelb`) and the plain chains to compare it with:
`mnli` has as many steps, `mnli~x2` as many passes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.robustness import build_answer
from analysis.answers.script import build_question_parser, run_question
from analysis.questions.methods import compare_methods
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("robustness.py", __doc__)
    return run_question(parser, argv, lambda transfer, _: build_answer(compare_methods(transfer)))


if __name__ == "__main__":
    sys.exit(run_command(main))
