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
from analysis.answers.script import build_question_parser, run_question
from analysis.questions.evenness import measure_evenness
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Compare languages and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("languages.py", __doc__)
    parser.add_argument("--by", choices=LANGUAGE_GROUPINGS, default="language", help="how languages are grouped")
    parser.add_argument("--target", metavar="NAME", help="one target instead of the mean over all")
    return run_question(
        parser,
        argv,
        lambda transfer, arguments: build_answer(measure_evenness(transfer, arguments.by, arguments.target)),
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
