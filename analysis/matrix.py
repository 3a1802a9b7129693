"""Draw the transfer matrix as a heat map: which intermediate task helps which target?

    python analysis/matrix.py runs/full-miniature
    python analysis/matrix.py runs/full-miniature --by family -o matrix.svg

Printed in the terminal, or with -o written as a picture for a paper (SVG or PNG). Takes the same paths as rank.py.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.scores.arguments import (
    add_against,
    add_errors,
    add_same_data,
    add_top,
    build_scores_parser,
    open_scores,
    parse_metrics,
)
from analysis.tables import heat, screen
from analysis.tables.source import describe_source
from analysis.tables.standings import describe_hidden
from analysis.transfer.against import measure_against
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import GROUP_BY
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from spaces.prediction_columns import PREDICTIONS_FILE

PICTURE_SUFFIXES = (".svg", ".png")


def build_parser() -> ArgumentParser:
    """Return the parser: the flags by which rank.py reads scores, --by and --output."""
    parser = build_scores_parser("matrix.py", __doc__)
    parser.add_argument("--by", choices=GROUP_BY, default="target", help="what a column is (default: target)")
    add_errors(parser)
    add_against(parser)
    add_same_data(parser)
    add_top(parser, "all")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="picture to write: FILE.svg or FILE.png")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the matrix and return the exit code: 0, or 2 for bad usage."""
    options = build_parser().parse_args(argv)
    try:
        if options.output is not None and options.output.suffix not in PICTURE_SUFFIXES:
            raise UsageError(f"-o {options.output}: the file name must end in {' or '.join(PICTURE_SUFFIXES)}.")
        with open_scores(options, PREDICTIONS_FILE) as scores:
            transfer = build_transfer(scores, parse_metrics(options.metric), options.learning_rate)
            transfer = measure_against(transfer, options.against or transfer.baseline)
            ranking = replace(
                rank_tasks(transfer, np.random.default_rng(0), options.by, errors=options.errors), top=options.top
            )
        if options.output is not None:
            print(*ranking.loaded_scores.notes, sep="\n", end="\n" * bool(ranking.loaded_scores.notes), file=sys.stderr)
            _draw(ranking, options.output)
            return ExitCode.DONE
    except UsageError as error:
        print(f"matrix.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    legend = "\n".join(filter(None, (describe_hidden(ranking), heat.LEGEND)))
    screen.print_whole(
        describe_source(ranking.loaded_scores), heat.build_heat_maps(ranking, screen.get_width()), legend
    )
    return ExitCode.DONE


def _draw(ranking: Ranking, path: Path) -> None:
    from analysis.page import exports, matrix  # altair and its converter load only for a picture
    from analysis.page.blocks import figures_of

    [figure] = figures_of([matrix.build_section(ranking)])
    try:
        path.write_bytes(exports.RENDERERS[path.suffix](figure))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    print(path)


if __name__ == "__main__":
    sys.exit(run_command(main))
