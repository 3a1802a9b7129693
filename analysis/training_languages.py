"""Does it help to train the intermediate task in another language than English, and where?

    python analysis/training_languages.py runs/languages-miniature
    python analysis/training_languages.py runs/languages-xtreme --target xnli

Reads what rank.py reads. Training languages are in the names of chains: mnli, mnli@sw, mnli@en+mnli@sw.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.script import build_question_parser, run_question
from analysis.answers.training_languages import build_answer
from analysis.questions.training_languages import compare_training_languages
from spaces.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; return the exit code: 0, or 2 for bad usage."""
    parser = build_question_parser("training_languages.py", __doc__)
    parser.add_argument("--target", metavar="NAME", help="one target instead of the mean over all")
    return run_question(
        parser, argv, lambda transfer, arguments: build_answer(compare_training_languages(transfer, arguments.target))
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
