"""Which intermediate tasks help, by how much, and how sure is that?

    python analysis/rank.py runs/full-miniature
    python analysis/rank.py runs/full-miniature --by family
    python analysis/rank.py scores.parquet more-scores/ --format json

Reads the folder of a sweep, or Parquet files with the columns intermediate, target, seed, language, metric, value.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.scores.arguments import add_learning_rate, arguments, opened, picked
from analysis.tables import export, screen, show, words
from analysis.transfer.array import transfer
from analysis.transfer.columns import BY
from analysis.transfer.ranking import DRAWS, Ranking, ranking
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS


def command_line() -> argparse.ArgumentParser:
    """The command line."""
    parser = arguments("rank.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--by", choices=BY, default="target", help="what the columns are (default: target)")
    parser.add_argument(
        "--draws", type=_count, default=DRAWS, metavar="N", help=f"for the probabilities and ranks (default: {DRAWS})"
    )
    parser.add_argument("--draw-seed", type=int, default=0, metavar="N", help="another seed, other draws (default: 0)")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 100 <= number <= 1_000_000:
        raise ValueError(text)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Rank and print; returns the exit code: 0, or 2 for bad usage."""
    given = command_line().parse_args(argv)
    try:
        metrics = picked(given.metric)
        with opened(given, PREDICTIONS) as scores:
            chosen = transfer(scores, metrics, given.learning_rate)
            found = ranking(chosen, np.random.default_rng(given.draw_seed), given.by, given.draws)
    except UsageError as error:
        print(f"rank.py: {error}", file=sys.stderr)
        return 2
    with screen.printing():
        write(found, given.format)
    return 0


def write(found: Ranking, form: str) -> None:
    """Print the ranking in one of the formats."""
    if form == "table":
        print(show.table(found, screen.width()))
    elif form == "markdown":
        print(show.markdown(found))
    elif form == "latex":
        print(show.latex(found))
    elif form == "json":
        print(export.as_json(found))
    else:
        print(export.as_csv(found))
        for line in words.head(found):  # a CSV has no place for it
            print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
