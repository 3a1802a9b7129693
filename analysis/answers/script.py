"""The common part of the scripts: from the command line to a printed result and an exit code."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TypeVar

from analysis.scores.arguments import add_learning_rate, build_script_parser, open_scores, parse_metrics
from analysis.tables.answer import Answer, print_answer
from analysis.tables.screen import tolerate_closed_pipe
from analysis.transfer.array import Transfer, build_transfer
from spaces.errors import UsageError

Result = TypeVar("Result")

DRAW_SEED = 0  # of all random draws: the same scores give the same answer


def build_question_parser(script: str, doc: str) -> ArgumentParser:
    """Return a parser of paths, --format, --metric, --scale and --learning-rate; `doc` is the text of --help."""
    parser = build_script_parser(script, doc)
    add_learning_rate(parser)
    return parser


def run_question(
    parser: ArgumentParser, argv: Sequence[str] | None, build: Callable[[Transfer, Namespace], Answer], *file_names: str
) -> int:
    """Print the answer to a question; see `run_script`."""
    return run_script(
        parser, argv, build, lambda answer, arguments: print_answer(answer, arguments.format), *file_names
    )


def run_script(
    parser: ArgumentParser,
    argv: Sequence[str] | None,
    build: Callable[[Transfer, Namespace], Result],
    show: Callable[[Result, Namespace], None],
    *file_names: str,
) -> int:
    """Read the scores that the flags name, build the result and show it.

    `file_names` are read beside the scores of each stage.

    Returns:
        The exit code: 0, or 2 for bad usage, which prints one line on standard error.
    """
    arguments = parser.parse_args(argv)
    try:
        metrics = parse_metrics(arguments.metric)
        with open_scores(arguments, *file_names) as scores:
            result = build(build_transfer(scores, metrics, arguments.learning_rate), arguments)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    with tolerate_closed_pipe():
        show(result, arguments)
    return 0
