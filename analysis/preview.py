"""Which intermediate tasks are worth training? The predicted order of a sweep's preview.

    python search/run.py --space full --preview       # trains the phases of one seed, measures them, and prints this
    python analysis/preview.py runs/full-miniature
    python analysis/preview.py runs/full-miniature --first 2 --format json

Prints the tasks in the order in which they are expected to help, how often such an order was right, and the command
that trains only the first ones. What the preview trained is not trained again.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

from analysis.answers.preview import build_answer
from analysis.questions.preview import Criterion, Preview, read_preview
from analysis.questions.sweep_command import UNRECORDED, build_command
from analysis.scores.arguments import FORMATS, build_plain_parser
from analysis.scores.fetch import fetch_results
from analysis.tables.answer import print_with_command
from spaces.chain import NONE
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from spaces.probe_columns import PREVIEW_FILE
from spaces.sweep_record import parse_chain_seeds

DEFAULT_FIRST: dict[Criterion, int] = {"mean": 3, "target": 2}  # docs/preview.md has what they lost and saved


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = build_plain_parser("preview.py", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep that ran with --preview; s3://... too")
    by = "train the first tasks by the mean place over targets, or those among the first of any target (default: mean)"
    parser.add_argument("--by", choices=tuple(DEFAULT_FIRST), default="mean", help=by)
    defaults = ", ".join(f"{count} by {criterion}" for criterion, count in DEFAULT_FIRST.items())
    parser.add_argument("--first", type=int, metavar="K", help=f"how many are the first (default: {defaults})")
    parser.add_argument("--format", choices=FORMATS, default="table")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Predict and print; return the exit code: 0, or 2 for bad usage."""
    options = build_parser().parse_args(argv)
    try:
        if options.first is not None and options.first < 1:
            raise UsageError(f"--first {options.first}: at least 1 task must be trained.")
        with fetch_results([options.sweep], (PREVIEW_FILE,)) as [folder]:
            preview = dataclasses.replace(read_preview(folder), source=options.sweep)
    except UsageError as error:
        print(f"preview.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    fewer_than_all = max(1, len(preview.candidates) - 1)
    first = min(DEFAULT_FIRST[options.by], fewer_than_all) if options.first is None else options.first
    chosen = preview.list_first(first, options.by)
    answer = build_answer(preview, chosen, options.by)
    hint = f"The command that trains only these, on from where they are; add what was given of {UNRECORDED}:"
    command = build_continuation(preview, chosen, f"first{first}" if options.by == "mean" else f"any-first{first}")
    print_with_command(answer, options.format, hint, command)
    return ExitCode.DONE


def build_continuation(preview: Preview, tasks: Sequence[str], suffix: str) -> str:
    """Return the command that trains these tasks: another sweep, since a sweep's tasks cannot become fewer."""
    chains = preview.list_chains(tasks)
    seeds = {name: own for name, own in parse_chain_seeds(preview.spec).items() if name == NONE or name in chains}
    spec = {**preview.spec, "intermediates": list(chains)}
    return build_command(f"{preview.source.rstrip('/')}-{suffix}", spec, seeds)


if __name__ == "__main__":
    sys.exit(run_command(main))
