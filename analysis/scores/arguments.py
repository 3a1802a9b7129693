"""Flags that the scripts share: the scores to read, their metrics and the learning rate."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

from analysis.scores.fetch import fetch_results
from analysis.scores.load import load
from analysis.scores.record import SCORES_FILE
from analysis.scores.scores import Scores
from analysis.scores.tidy import Scale
from spaces.errors import UsageError

FORMATS = ("table", "csv", "json", "markdown", "latex")


def build_plain_parser(script: str, doc: str | None) -> argparse.ArgumentParser:
    """Return a parser without flags; its description and epilog are the script's docstring."""
    description, _, epilog = (doc or "").partition("\n")
    return argparse.ArgumentParser(
        prog=script, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def build_scores_parser(script: str, doc: str | None, *, with_format: bool = False) -> argparse.ArgumentParser:
    """Return a parser that takes paths, --metric, --scale, --learning-rate and, if asked for, --format."""
    parser = build_plain_parser(script, doc)
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="sweep, Parquet file or folder of Parquet files; s3://... too"
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="TARGET=NAME",
        help="score TARGET by metric NAME instead of the official ones; repeat it for the mean of several",
    )
    parser.add_argument(
        "--scale",
        choices=get_args(Scale),
        default="auto",
        help="values of a file are shares (up to 1) or points (up to 100); auto: points if any is above 1",
    )
    if with_format:
        parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="take the runs at RATE instead of those with the best English dev score",
    )
    return parser


def parse_metrics(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return target -> metrics from the --metric flags; raise UsageError for a flag that is no pair."""
    metrics: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        target, equals, name = pair.partition("=")
        if not (target and equals and name):
            raise UsageError(f"--metric takes TARGET=NAME, e.g. udpos=accuracy, got {pair!r}.")
        metrics[target] = (*metrics.get(target, ()), name)
    return metrics


@contextmanager
def open_scores(options: argparse.Namespace, *more_files: str) -> Iterator[Scores]:
    """Open the scores of all paths; raise UsageError if one cannot be read. `source` is as the user wrote the paths.

    From object storage the stages' files named in `more_files` are fetched too.
    """
    with fetch_results(options.paths, (SCORES_FILE, *more_files)) as paths:
        yield dataclasses.replace(load(paths, options.scale), source=", ".join(options.paths))
