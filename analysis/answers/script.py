"""The common part of the scripts: from the command line to a printed result and an exit code."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TypeVar

from analysis.scores.arguments import build_scores_parser, open_scores, parse_metrics
from analysis.tables.answer import Answer, print_answer
from analysis.transfer.array import Transfer, build_transfer
from analysis.transfer.common_seeds import keep_common_seeds
from spaces.errors import UsageError

Result = TypeVar("Result")

DRAW_SEED = 0  # of all random draws: the same scores give the same answer


def build_question_parser(script: str, doc: str | None) -> ArgumentParser:
    """Return a parser of the scores to read and --format; `doc` is the text of --help."""
    return build_scores_parser(script, doc, with_format=True)


def run_question(
    parser: ArgumentParser, argv: Sequence[str] | None, build: Callable[[Transfer, Namespace], Answer], *file_names: str
) -> int:
    """Print the answer to a question about the seeds that all chains have; see `run_script`."""

    def build_on_common_seeds(transfer: Transfer, flags: Namespace) -> Answer:
        return build(keep_common_seeds(transfer), flags)

    return run_script(
        parser, argv, build_on_common_seeds, lambda answer, flags: print_answer(answer, flags.format), *file_names
    )


def run_script(
    parser: ArgumentParser,
    argv: Sequence[str] | None,
    build: Callable[[Transfer, Namespace], Result],
    show: Callable[[Result, Namespace], None],
    *file_names: str,
) -> int:
    """Build a result from the scores and `file_names` of each stage, show it, and return 0, or 2 for bad usage."""
    arguments = parser.parse_args(argv)
    try:
        metrics = parse_metrics(arguments.metric)
        with open_scores(arguments, *file_names) as scores:
            result = build(build_transfer(scores, metrics, arguments.learning_rate), arguments)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    show(result, arguments)
    return 0
