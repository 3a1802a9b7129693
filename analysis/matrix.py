"""The transfer matrix as a heat map: which intermediate task helps which target?

    python analysis/matrix.py runs/full-miniature
    python analysis/matrix.py runs/full-miniature --by family -o matrix.svg

In the terminal without -o, else as a picture for a paper (SVG or PNG). Reads what rank.py reads.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np
from rich.console import Console
from rich.measure import Measurement

from analysis.scores.arguments import add_learning_rate, build_scores_parser, open_scores, parse_metrics
from analysis.tables import heat, ranking_sentences, screen
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import GROUP_BY
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE

PICTURE_SUFFIXES = (".svg", ".png")
MAX_WIDTH = 1000  # characters a line; a table is not cut to the terminal


def build_parser() -> ArgumentParser:
    """What rank.py takes to read scores, and where to draw."""
    parser = build_scores_parser("matrix.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--by", choices=GROUP_BY, default="target", help="what the columns are (default: target)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a picture: FILE.svg or FILE.png")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the matrix; returns the exit code: 0, or 2 for bad usage."""
    given = build_parser().parse_args(argv)
    try:
        if given.output is not None and given.output.suffix not in PICTURE_SUFFIXES:
            raise UsageError(f"-o {given.output}: name a file that ends in {' or '.join(PICTURE_SUFFIXES)}.")
        with open_scores(given, PREDICTIONS_FILE) as scores:
            found = rank_tasks(
                build_transfer(scores, parse_metrics(given.metric), given.learning_rate),
                np.random.default_rng(0),
                given.by,
            )
        if given.output is not None:
            _draw(found, given.output)
            return 0
    except UsageError as error:
        print(f"matrix.py: {error}", file=sys.stderr)
        return 2
    with screen.tolerate_closed_pipe():
        drawn = heat.build_heat_map(found)
        console = Console(highlight=False, soft_wrap=True)
        console.width = max(
            console.width, Measurement.get(console, console.options.update(width=MAX_WIDTH), drawn).maximum
        )
        console.print(*ranking_sentences.describe_scores(found)[:2], sep="\n", end="\n\n", markup=False)
        console.print(drawn)
        console.print(heat.LEGEND, markup=False)
    return 0


def _draw(found: Ranking, path: Path) -> None:
    from analysis.page import exports, matrix  # altair and its converter: only for a picture
    from analysis.page.blocks import figures_of

    [figure] = figures_of([matrix.build_section(found)])
    try:
        path.write_bytes(exports.RENDERERS[path.suffix](figure))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    print(path)


if __name__ == "__main__":
    sys.exit(main())
