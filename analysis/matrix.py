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

from analysis.scores.arguments import add_learning_rate, opened, picked, reading
from analysis.tables import heat, screen, words
from analysis.transfer.array import transfer
from analysis.transfer.columns import BY
from analysis.transfer.ranking import Ranking, ranking
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS

PICTURES = (".svg", ".png")
WIDEST = 1000  # characters a line; a table is not cut to the terminal


def command_line() -> ArgumentParser:
    """What rank.py takes to read scores, and where to draw."""
    parser = reading("matrix.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--by", choices=BY, default="target", help="what the columns are (default: target)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a picture: FILE.svg or FILE.png")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the matrix; returns the exit code: 0, or 2 for bad usage."""
    given = command_line().parse_args(argv)
    try:
        if given.output is not None and given.output.suffix not in PICTURES:
            raise UsageError(f"-o {given.output}: name a file that ends in {' or '.join(PICTURES)}.")
        with opened(given, PREDICTIONS) as scores:
            found = ranking(
                transfer(scores, picked(given.metric), given.learning_rate), np.random.default_rng(0), given.by
            )
        if given.output is not None:
            _draw(found, given.output)
            return 0
    except UsageError as error:
        print(f"matrix.py: {error}", file=sys.stderr)
        return 2
    with screen.printing():
        drawn = heat.table(found)
        console = Console(highlight=False, soft_wrap=True)
        console.width = max(
            console.width, Measurement.get(console, console.options.update(width=WIDEST), drawn).maximum
        )
        console.print(*words.head(found)[:2], sep="\n", end="\n\n", markup=False)
        console.print(drawn)
        console.print(heat.KEY, markup=False)
    return 0


def _draw(found: Ranking, path: Path) -> None:
    from analysis.page import cells, exports  # altair and its converter: only for a picture
    from analysis.page.blocks import figures_of

    [figure] = figures_of([cells.section(found)])
    try:
        path.write_bytes(exports.DRAWN[path.suffix](figure))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    print(path)


if __name__ == "__main__":
    sys.exit(main())
