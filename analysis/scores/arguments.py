"""Flags that the scripts share: the scores to read, their metrics and the learning rate."""

import argparse
import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from analysis.scores.fetch import fetch_results
from analysis.scores.load import load
from analysis.scores.record import SCORES_FILE
from analysis.scores.scale import ALL_KNOWN, FileOptions, Scale
from analysis.scores.scores import Scores
from analysis.statistics.gain_errors import ErrorKind
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.table import describe_unknown

FORMATS = ("table", "csv", "json", "markdown", "latex")


def build_plain_parser(script: str, doc: str | None) -> argparse.ArgumentParser:
    """Return a parser without flags; its description and epilog are the script's docstring."""
    description, _, epilog = (doc or "").partition("\n")
    return argparse.ArgumentParser(
        prog=script, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def build_scores_parser(script: str, doc: str | None, *, with_format: bool = False) -> argparse.ArgumentParser:
    """Return a parser that takes paths, the flags on what their scores are and, if asked for, --format."""
    parser = build_plain_parser(script, doc)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="sweep, or Parquet, CSV or JSON lines file, or folder of them; s3://... too",
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
        action="append",
        default=[],
        type=_parse_scale,
        metavar="SCALE",
        help="values of files: auto, share (up to 1) or points (up to 100); METRIC=share or METRIC=points for one "
        "metric. auto: points if any value is above 1, by metric and file; a mix is refused",
    )
    parser.add_argument(
        "--lower-is-better",
        action="append",
        nargs="?",
        const=ALL_KNOWN,
        type=_parse_metric,
        default=[],
        metavar="METRIC",
        help="turn METRIC of files round; without a name those known as losses or error rates. Give it after the paths",
    )
    parser.add_argument(
        "--controls",
        action="append",
        default=[],
        metavar="NAME,...",
        help="intermediate tasks of files that are controls, such as one with random labels",
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


def add_errors(parser: argparse.ArgumentParser) -> None:
    """Add --errors to the parser."""
    parser.add_argument(
        "--errors",
        choices=get_args(ErrorKind),
        help="errors over seeds: moderated, where tasks share what they know about the spread over seeds, or plain, "
        "each gain by its own seeds (default: moderated with six tasks or more, controls not counted)",
    )


def add_against(parser: argparse.ArgumentParser) -> None:
    """Add --against to the parser."""
    parser.add_argument(
        "--against",
        metavar="CHAIN",
        help=f"measure gains against CHAIN, such as a control or `{NONE}~x2`, instead of `{NONE}`",
    )


def add_same_data(parser: argparse.ArgumentParser) -> None:
    """Add --same-data to the parser."""
    parser.add_argument(
        "--same-data",
        action="append",
        default=[],
        type=_parse_same_data,
        metavar="TASK:TARGET,...",
        help="cells whose task trains on the target's own training rows, beside those that a benchmark's tables tell",
    )


def split_pair(text: str) -> tuple[str, str] | None:
    """Return the sides of `TASK:TARGET`, split at the last colon; None unless it has both."""
    task, colon, target = text.strip().rpartition(":")
    return (task, target) if task and colon and target else None


def _parse_same_data(text: str) -> str:
    """Return `text` if it is pairs of task and target; raise ArgumentTypeError otherwise."""
    for part in text.split(","):
        if split_pair(part) is None:
            raise argparse.ArgumentTypeError(f"give TASK:TARGET,..., e.g. mnli:xnli,squad:xquad, got {part.strip()!r}")
    return text


def add_top(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --top to the parser."""
    parser.add_argument(
        "--top",
        type=_parse_top,
        metavar="N",
        help=f"show the first N intermediate tasks of the order in tables and figures (default: {default})",
    )


def _parse_top(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"give a whole number from 1, got {text}")
    return int(text)


def parse_metrics(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return target -> metrics from the --metric flags; raise UsageError for a flag that is no pair."""
    metrics: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        target, equals, name = pair.partition("=")
        if not (target and equals and name):
            raise UsageError(f"--metric takes TARGET=NAME, e.g. udpos=accuracy, got {pair!r}.")
        metrics[target] = (*metrics.get(target, ()), name)
    return metrics


def _parse_scale(text: str) -> str:
    """Return `text` if it is SCALE or METRIC=SCALE; raise ArgumentTypeError otherwise."""
    scale = text.rpartition("=")[2]
    if scale not in get_args(Scale) or text.startswith("="):
        raise argparse.ArgumentTypeError(f"give one of {', '.join(get_args(Scale))}, or METRIC=share, got {text!r}")
    return text


def _parse_metric(text: str) -> str:
    """Return the name of a metric; raise ArgumentTypeError for a path, which the flag takes if it stands before it."""
    if os.path.lexists(text) or "://" in text:
        raise argparse.ArgumentTypeError(f"{text} is a path, no metric. Give the flag after the paths")
    return text


def read_file_options(options: argparse.Namespace) -> FileOptions:
    """Return what the flags say about score files."""
    scales = [text.rpartition("=") for text in options.scale]
    return FileOptions(
        scale=next((scale for metric, _, scale in reversed(scales) if not metric), "auto"),
        metric_scales={metric: scale for metric, _, scale in scales if metric},
        lower_is_better=frozenset(options.lower_is_better),
        picked_metrics=parse_metrics(options.metric),
    )


def load_paths(options: argparse.Namespace, paths: Sequence[Path]) -> Scores:
    """Return the scores of local `paths` as the flags say. `source` is as the user wrote the paths."""
    controls = [name for text in options.controls for name in text.split(",") if name]
    scores = load(paths, read_file_options(options), controls=controls)
    same_data = _read_same_data(getattr(options, "same_data", ()), scores)
    return dataclasses.replace(scores, source=", ".join(options.paths), same_data=same_data)


def _read_same_data(texts: Sequence[str], scores: Scores) -> frozenset[tuple[str, str]]:
    """Return the cells that --same-data names; raise UsageError for one that the scores do not have."""
    cells = set()
    for task, target in filter(None, (split_pair(part) for text in texts for part in text.split(","))):
        for noun, name, known in (
            ("intermediate task", task, scores.intermediates),
            ("target", target, scores.targets),
        ):
            if name not in known:
                raise UsageError(f"--same-data {task}:{target}: {describe_unknown(noun, name, known)}")
        cells.add((task, target))
    return frozenset(cells)


def repeat_flags(options: argparse.Namespace) -> list[str]:
    """Return the flags that change scores, for another command on the same scores."""
    flags = [word for pair in options.metric for word in ("--metric", pair)]
    flags += [] if options.learning_rate is None else ["--learning-rate", f"{options.learning_rate:g}"]
    flags += [word for scale in options.scale for word in ("--scale", scale)]
    flags += [word for names in options.controls for word in ("--controls", names)]
    flags += [word for cells in getattr(options, "same_data", ()) for word in ("--same-data", cells)]
    flags += ["--against", options.against] if getattr(options, "against", None) else []
    return flags + [word for name in options.lower_is_better for word in ("--lower-is-better", name) if word]


def check_new_folder(out: Path) -> None:
    """Raise UsageError unless `out` is a folder that is empty or does not exist: nothing is overwritten."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a new or empty folder.")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty, and nothing is overwritten: name a new or empty folder.")


@contextmanager
def open_scores(options: argparse.Namespace, *more_files: str) -> Iterator[Scores]:
    """Open the scores of all paths; raise UsageError if one cannot be read.

    From object storage the stages' files named in `more_files` are fetched too.
    """
    with fetch_results(options.paths, (SCORES_FILE, *more_files)) as paths:
        yield load_paths(options, paths)
