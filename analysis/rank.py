"""Which intermediate tasks help, by how much, and how sure is that?

    python analysis/rank.py runs/full-miniature --summary
    python analysis/rank.py runs/full-miniature
    python analysis/rank.py runs/full-miniature --by family
    python analysis/rank.py runs/full-miniature --by group
    python analysis/rank.py scores.parquet more-scores/ --format json

Reads the folder of a sweep, or Parquet, CSV or JSON lines files with the columns intermediate, target, seed, language,
metric, value.
"""

import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.script import build_question_parser, run_script
from analysis.scores.arguments import add_against, add_errors, add_same_data, add_top, repeat_flags
from analysis.statistics.draws import DEFAULT_DRAWS
from analysis.tables import ranking_export, ranking_report, ranking_sentences, ranking_summary, screen
from analysis.tables.choice_sentences import describe_planned
from analysis.tables.phases import warn_of_unlearnt
from analysis.transfer.against import measure_against
from analysis.transfer.array import Transfer
from analysis.transfer.columns import GROUP_BY
from analysis.transfer.planned import parse_planned
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.command import run_command
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE

FORMATTERS = {
    "markdown": ranking_report.as_markdown,
    "latex": ranking_report.as_latex,
    "json": ranking_export.as_json,
    "csv": ranking_export.as_csv,
}


def build_parser() -> ArgumentParser:
    """Return the parser of the command line."""
    parser = build_question_parser("rank.py", __doc__)
    parser.add_argument(
        "--summary", action="store_true", help="one screen: the answer, one line per intermediate task, what is missing"
    )
    parser.add_argument("--by", choices=GROUP_BY, default="target", help="what the columns are (default: target)")
    parser.add_argument(
        "--draws",
        type=_parse_draws,
        default=DEFAULT_DRAWS,
        metavar="N",
        help=f"number of random draws behind probabilities and ranks (default: {DEFAULT_DRAWS})",
    )
    add_errors(parser)
    add_against(parser)
    add_same_data(parser)
    parser.add_argument(
        "--planned",
        metavar="TASK:TARGET,...",
        help="comparisons planned before the scores were seen: corrected for their own number only",
    )
    add_top(parser, "all")
    parser.add_argument("--draw-seed", type=int, default=0, metavar="N", help="seed of the random draws (default: 0)")
    return parser


def _parse_draws(text: str) -> int:
    if not text.isdecimal() or not 100 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"give a whole number from 100 to 1000000, got {text}")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Rank and print; return the exit code: 0, or 2 for bad usage."""
    return run_script(build_parser(), argv, _build_ranking, print_ranking, PREDICTIONS_FILE)


def _build_ranking(transfer: Transfer, arguments: Namespace) -> Ranking:
    if arguments.summary and arguments.format != "table":
        raise UsageError(f"--summary is plain text: leave out --summary or --format {arguments.format}.")
    if arguments.top is not None and (arguments.summary or arguments.format in ("csv", "json")):
        form = "--summary" if arguments.summary else f"--format {arguments.format}"
        reason = "is as long as a screen" if arguments.summary else "is for programs and holds every task"
        raise UsageError(f"--top shortens tables; {form} {reason}: leave out --top or {form}.")
    ranking = rank_tasks(
        measure_against(transfer, arguments.against or transfer.baseline),
        np.random.default_rng(arguments.draw_seed),
        arguments.by,
        arguments.draws,
        errors=arguments.errors,
        planned=parse_planned(arguments.planned) if arguments.planned else (),
    )
    return replace(ranking, top=arguments.top)


def print_ranking(ranking: Ranking, arguments: Namespace) -> None:
    """Print the ranking in the format that the flags name."""
    width = screen.get_width()
    if arguments.summary:
        print(ranking_summary.as_summary(ranking, width, _repeat_arguments(arguments)))
    elif arguments.format == "table":
        print(ranking_report.as_text(ranking, width))
    else:
        print(FORMATTERS[arguments.format](ranking))
    if arguments.format == "csv":  # which has no place for sentences
        sentences = (
            *ranking_sentences.describe_scores(ranking),
            *describe_planned(ranking),
            *warn_of_unlearnt(ranking),
        )
        print("\n".join(sentences), file=sys.stderr)


def _repeat_arguments(arguments: Namespace) -> str:
    """Return the paths and flags that change scores, for another command on the same scores."""
    return shlex.join([*arguments.paths, *repeat_flags(arguments)])


if __name__ == "__main__":
    sys.exit(run_command(main))
