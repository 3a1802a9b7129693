"""A page about a sweep: the answer in words, figures and tables, in one HTML file that needs no network.

    python analysis/report.py runs/full-miniature -o report.html
    python analysis/report.py scores.parquet more-scores/ --figures figures/

Reads the folder of a sweep, or Parquet, CSV or JSON lines files with the columns intermediate, target, seed, language,
metric, value.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from spaces.command import run_command, start_command

if __name__ == "__main__":  # before altair is imported
    start_command()

import numpy as np

from analysis.answers.script import DRAW_SEED
from analysis.page import render
from analysis.page.blocks import Figure, figures_of
from analysis.page.contents import build_sections
from analysis.page.exports import export_figures
from analysis.scores.arguments import (
    add_against,
    add_errors,
    add_same_data,
    add_top,
    build_scores_parser,
    load_paths,
    parse_metrics,
)
from analysis.scores.fetch import fetch_results
from analysis.scores.record import SCORES_FILE
from analysis.tables.source import describe_seeds, pluralise
from analysis.transfer.against import measure_against
from analysis.transfer.array import build_transfer
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.whole_files import write_file

TITLE = "Which intermediate task helps?"
MIN_TASKS, MAX_TASKS, MAX_CELLS = 10, 100, 3000  # without --top: a page of up to 4 MB
FOOTER = "Numbers are those of analysis/rank.py on the same paths."


def build_report_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line: the scores to read as in rank.py, and the files to write."""
    parser = build_scores_parser("report.py", __doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="default: report.html here")
    add_errors(parser)
    add_against(parser)
    add_same_data(parser)
    add_top(parser, f"{MAX_TASKS}, fewer with many targets")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write each figure as SVG and PNG too, for a paper")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page and print its path; return the exit code: 0, or 2 for bad usage."""
    arguments = build_report_parser().parse_args(argv)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(render.read_vega_library)  # the slowest part, which only the end needs
        try:
            ranking = _read_ranking(arguments)
        except UsageError as error:
            print(f"report.py: {error}", file=sys.stderr)
            return 2
        sections = build_sections(ranking)
        page = render.render_page(TITLE, build_subtitle(ranking), sections, FOOTER)
    try:
        figures = _write(page, figures_of(sections), arguments)
    except UsageError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    for note in ranking.loaded_scores.notes:
        print(note, file=sys.stderr)
    print(f"{arguments.output} ({len(page.encode()) / 1e6:.1f} MB)")
    if figures:
        print(f"{pluralise(len(figures), 'file')} in {arguments.figures}")
    return 0


def _read_ranking(arguments: argparse.Namespace) -> Ranking:
    with fetch_results(arguments.paths, (SCORES_FILE, PREDICTIONS_FILE)) as paths:
        scores = load_paths(arguments, paths)
        transfer = build_transfer(scores, parse_metrics(arguments.metric), arguments.learning_rate)
        transfer = measure_against(transfer, arguments.against or transfer.baseline)
        ranking = rank_tasks(transfer, np.random.default_rng(DRAW_SEED), errors=arguments.errors)
        most = max(MIN_TASKS, min(MAX_TASKS, MAX_CELLS // len(ranking.columns)))
        return replace(ranking, top=arguments.top or most)


def _write(page: str, figures: Iterable[Figure], arguments: argparse.Namespace) -> list[Path]:
    """Write the page, and the figures where they are asked for; return the figures' files. Raise UsageError."""
    flag = "-o"
    try:
        write_file(arguments.output, lambda file: file.write_text(page, encoding="utf-8"))
        flag = "--figures"
        return export_figures(figures, arguments.figures) if arguments.figures else []
    except OSError as error:
        name = arguments.output if flag == "-o" else error.filename  # a page has a temporary name at first
        raise UsageError(f"{name} cannot be written: {error.strerror}. Name another place with {flag}.") from error


def build_subtitle(ranking: Ranking) -> str:
    """Return benchmark, encoder, seeds and source in one line."""
    scores = ranking.loaded_scores
    names = (f"benchmark {scores.benchmark or 'not stated'}", f"encoder {scores.model or 'not stated'}")
    return " · ".join((*names, describe_seeds(scores), scores.source))


if __name__ == "__main__":
    sys.exit(run_command(main))
