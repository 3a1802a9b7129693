"""A page about a sweep: the answer in words, figures and tables, in one HTML file that needs no network.

    python analysis/report.py runs/full-miniature -o report.html
    python analysis/report.py scores.parquet more-scores/ --figures figures/

Reads the folder of a sweep, or Parquet files with the columns intermediate, target, seed, language, metric, value.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.page import render
from analysis.page.blocks import figures_of
from analysis.page.contents import build_sections
from analysis.page.exports import export_figures
from analysis.scores.arguments import add_learning_rate, build_scores_parser, parse_metrics
from analysis.scores.fetch import fetch_results
from analysis.scores.load import load
from analysis.scores.record import read_record
from analysis.tables.source import count_and_list
from analysis.transfer.array import build_transfer
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.sweep_record import SWEEP_FILE

TITLE = "Which intermediate task helps?"
FOOTER = "Numbers are those of analysis/rank.py on the same paths."


def build_report_parser() -> argparse.ArgumentParser:
    """What rank.py takes to read scores, and where to write."""
    parser = build_scores_parser("report.py", __doc__ or "")
    add_learning_rate(parser)
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="default: report.html here")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write each figure as SVG and PNG too, for a paper")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page and say where; returns the exit code: 0, or 2 for bad usage."""
    given = build_report_parser().parse_args(argv)
    with ThreadPoolExecutor(1) as beside:
        beside.submit(render.read_vega_library)  # the slowest part, and nobody needs it before the end
        try:
            with fetch_results(given.paths, ("scores.parquet", PREDICTIONS_FILE)) as paths:
                scores = dataclasses.replace(load(paths, given.scale), source=", ".join(given.paths))
                records = [read_record(path / SWEEP_FILE) for path in paths if (path / SWEEP_FILE).is_file()]
                chosen = build_transfer(scores, parse_metrics(given.metric), given.learning_rate)
                found = rank_tasks(chosen, np.random.default_rng(0))
        except UsageError as error:
            print(f"report.py: {error}", file=sys.stderr)
            return 2
        parts = build_sections(found, records)
        page = render.render_page(TITLE, build_subtitle(found), parts, FOOTER)
    try:
        whole = given.output.with_name(f".{given.output.name}.new")  # nobody sees half a page
        try:
            whole.write_text(page, encoding="utf-8")
            whole.replace(given.output)
        finally:
            whole.unlink(missing_ok=True)
        figures = export_figures(figures_of(parts), given.figures) if given.figures else []
    except OSError as error:
        print(f"report.py: {error.filename2 or error.filename} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(f"{given.output} ({len(page.encode()) / 1e6:.1f} MB)")
    if figures:
        print(f"{len(figures)} files in {given.figures}")
    return 0


def build_subtitle(found: Ranking) -> str:
    """What the page is about, in one line."""
    read = found.loaded_scores
    return " · ".join(
        (
            f"benchmark {read.benchmark}" if read.benchmark else "benchmark not stated",
            f"encoder {read.model}" if read.model else "encoder not stated",
            count_and_list("seed", read.seeds),
            read.source,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
