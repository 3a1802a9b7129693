"""What the scripts of questions have in common: from the command line to the printed answer, and the exit code."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from analysis.scores.arguments import open_scores, parse_metrics
from analysis.tables.answer import Answer, print_answer
from analysis.transfer.array import Transfer, build_transfer
from spaces.errors import UsageError


def run_question(
    parser: ArgumentParser, argv: Sequence[str] | None, answer: Callable[[Transfer, Namespace], Answer], *beside: str
) -> int:
    """Read what the flags name, answer, and print; returns the exit code: 0, or 2 for bad usage, said in one line.

    `beside` names files that are read beside the scores of each stage.
    """
    given = parser.parse_args(argv)
    try:
        with open_scores(given, *beside) as read:
            shown = answer(build_transfer(read, parse_metrics(given.metric), given.learning_rate), given)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print_answer(shown, given.format)
    return 0
