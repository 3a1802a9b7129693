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

from analysis.scores.arguments import add_learning_rate, build_script_parser, open_scores, parse_metrics
from analysis.statistics.draws import DEFAULT_DRAWS
from analysis.tables import ranking_export, ranking_report, ranking_sentences, screen
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import GROUP_BY
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = build_script_parser("rank.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("--by", choices=GROUP_BY, default="target", help="what the columns are (default: target)")
    parser.add_argument(
        "--draws",
        type=_parse_draws,
        default=DEFAULT_DRAWS,
        metavar="N",
        help=f"for the probabilities and ranks (default: {DEFAULT_DRAWS})",
    )
    parser.add_argument("--draw-seed", type=int, default=0, metavar="N", help="another seed, other draws (default: 0)")
    return parser


def _parse_draws(text: str) -> int:
    number = int(text)
    if not 100 <= number <= 1_000_000:
        raise ValueError(text)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Rank and print; returns the exit code: 0, or 2 for bad usage."""
    given = build_parser().parse_args(argv)
    try:
        metrics = parse_metrics(given.metric)
        with open_scores(given, PREDICTIONS_FILE) as scores:
            chosen = build_transfer(scores, metrics, given.learning_rate)
            found = rank_tasks(chosen, np.random.default_rng(given.draw_seed), given.by, given.draws)
    except UsageError as error:
        print(f"rank.py: {error}", file=sys.stderr)
        return 2
    with screen.tolerate_closed_pipe():
        print_ranking(found, given.format)
    return 0


def print_ranking(found: Ranking, form: str) -> None:
    """Print the ranking in one of the formats."""
    if form == "table":
        print(ranking_report.as_text(found, screen.get_width()))
    elif form == "markdown":
        print(ranking_report.as_markdown(found))
    elif form == "latex":
        print(ranking_report.as_latex(found))
    elif form == "json":
        print(ranking_export.as_json(found))
    else:
        print(ranking_export.as_csv(found))
        for line in ranking_sentences.describe_scores(found):  # a CSV has no place for it
            print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
