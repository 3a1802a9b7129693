"""What the command lines of the scripts share: which scores to read, and by which metrics and learning rate."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from analysis.scores.fetch import fetch_results
from analysis.scores.load import Scores, load
from spaces.errors import UsageError

FORMATS = ("table", "csv", "json", "markdown", "latex")


def build_script_parser(script: str, doc: str) -> argparse.ArgumentParser:
    """A command line that takes paths, --format, --metric, --scale; the text about it is the script's docstring."""
    parser = build_scores_parser(script, doc)
    parser.add_argument("--format", choices=FORMATS, default="table")
    return parser


def build_scores_parser(script: str, doc: str) -> argparse.ArgumentParser:
    """A command line that takes paths, --metric, --scale."""
    about, _, rest = doc.partition("\n")
    parser = argparse.ArgumentParser(
        prog=script, description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="sweep, Parquet file or folder of them; s3://... too")
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="TARGET=NAME",
        help="score TARGET by the metric NAME instead of the official ones; given twice for a target: by their mean",
    )
    parser.add_argument(
        "--scale",
        choices=("auto", "share", "points"),
        default="auto",
        help="whether values of a file go to 1 or to 100; auto: points if any exceeds 1. A sweep always has shares",
    )
    return parser


def add_learning_rate(parser: argparse.ArgumentParser) -> None:
    """For the scripts that take one run per cell: --learning-rate."""
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="take the runs at RATE instead of those with the best English dev score",
    )


def parse_metrics(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The --metric flags: target -> metrics. Raises UsageError for a flag that is no pair."""
    metrics: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        target, equals, name = pair.partition("=")
        if not (target and equals and name):
            raise UsageError(f"--metric takes TARGET=NAME, got {pair!r}, e.g. --metric udpos=accuracy.")
        metrics[target] = (*metrics.get(target, ()), name)
    return metrics


@contextmanager
def open_scores(given: argparse.Namespace, *more: str) -> Iterator[Scores]:
    """The scores of all paths, called as the user calls them; raises UsageError if they cannot be read.

    From object storage it also fetches the files of the stages that are called as in `more`.
    """
    with fetch_results(given.paths, ("scores.parquet", *more)) as paths:
        yield dataclasses.replace(load(paths, given.scale), source=", ".join(given.paths))
