"""Export the dev curves and scores of a sweep to a program that shows experiments.

    python analysis/export.py runs/full-miniature --to tensorboard -o events
    python analysis/export.py runs/full-miniature --to mlflow -o sqlite:///mlflow.db
    python analysis/export.py runs/full-miniature --to trackio -o trackio
    python analysis/export.py runs/full-miniature --to wandb -o wandb

Each stage becomes a run: chain, target, seed and learning rate are its settings. Call it again and again, also while
the sweep runs: only stages that are new, or were trained again, are written.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import polars as pl

from analysis.scores.arguments import build_plain_parser
from analysis.scores.fetch import fetch_results
from analysis.scores.load import load_sweeps
from analysis.tables.source import pluralise
from analysis.tracking import mlflow, tensorboard, trackio, wandb
from analysis.tracking.tracked_runs import TrackedRun, build_runs
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from spaces.sweep_record import SWEEP_FILE

Exporter = Callable[[Sequence[TrackedRun], str, str], int]  # of runs, to a place, in a project: returns those written

EXPORTERS: Mapping[str, Exporter] = {
    "tensorboard": tensorboard.export_runs,
    "mlflow": mlflow.export_runs,
    "trackio": trackio.export_runs,
    "wandb": wandb.export_runs,
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = build_plain_parser("export.py", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep, or archive of compact.py; s3://... too")
    parser.add_argument("--to", choices=EXPORTERS, required=True, help="the program that shows the experiments")
    place = "folder of event files, of Trackio's databases or of offline runs of W&B; MLflow's tracking URI"
    parser.add_argument("-o", "--output", required=True, metavar="DIR|URI", help=place)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Export and print how many stages were new; return the exit code: 0, or 2 for bad usage."""
    options = build_parser().parse_args(argv)
    try:
        runs = build_runs(_read_rows(options.sweep))
        project = Path(options.sweep.partition("?")[0]).stem
        written = EXPORTERS[options.to](runs, options.output, project)
    except UsageError as error:
        print(f"export.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    print(f"{options.output}: {pluralise(written, 'new stage')}, {len(runs) - written} were there already.")
    return ExitCode.DONE


def _read_rows(sweep: str) -> pl.DataFrame:
    """Return the score rows of a sweep or of all sweeps of an archive, each stage once."""
    with fetch_results([sweep]) as [path]:
        parts = load_sweeps(path)
        if not parts:
            raise UsageError(f"{sweep} is neither a sweep folder, which has a {SWEEP_FILE}, nor an archive.")
        return pl.concat([part.rows.collect() for part in parts]).unique(maintain_order=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
