"""What the scripts of questions have in common: from the command line to the printed answer, and the exit code."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from analysis.scores.arguments import opened, picked
from analysis.tables.answer import Answer, show
from analysis.transfer.array import Transfer, transfer
from spaces.errors import UsageError


def answered(
    parser: ArgumentParser, argv: Sequence[str] | None, answer: Callable[[Transfer, Namespace], Answer], *beside: str
) -> int:
    """Read what the flags name, answer, and print; returns the exit code: 0, or 2 for bad usage, said in one line.

    `beside` names files that are read beside the scores of each stage.
    """
    given = parser.parse_args(argv)
    try:
        with opened(given, *beside) as read:
            shown = answer(transfer(read, picked(given.metric), given.learning_rate), given)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    show(shown, given.format)
    return 0
