"""Which languages gain, how much is lost from English to the others, and how evenly do scores hold?

    python analysis/languages.py runs/full-miniature
    python analysis/languages.py runs/full-miniature --by family
    python analysis/languages.py runs/full-miniature --target xnli

Reads what rank.py reads.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.languages import LANGUAGE_GROUPINGS, build_answer
from analysis.answers.script import run_question
from analysis.questions.evenness import measure_evenness
from analysis.scores.arguments import add_learning_rate, build_script_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Compare languages and print; returns the exit code: 0, or 2 for bad usage."""
    parser = build_script_parser("languages.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--by", choices=LANGUAGE_GROUPINGS, default="language", help="how languages are grouped")
    parser.add_argument("--target", metavar="NAME", help="one target instead of the mean over all")
    return run_question(
        parser, argv, lambda found, given: build_answer(measure_evenness(found, given.by, given.target))
    )


if __name__ == "__main__":
    sys.exit(main())
