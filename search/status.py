"""Show the state of a sweep: progress, running stages, failures, time, disk. Writes nothing.

    python search/status.py runs/full-miniature
    python search/status.py runs                     # every sweep of a results folder, one line each
    python search/status.py runs/full-miniature --json
    python search/status.py runs/full-miniature --watch    # until the sweep ends, or Ctrl-C

It only reads files, so it also works while the sweep runs elsewhere, and after it was killed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)  # before any other package that is also called `spaces`

from search.sweep.status_report import summarize_sweep
from search.sweep.status_text import format_headline, format_summary
from search.sweep.sweep_state import find_sweeps, read_states
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="search/status.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep, or a results folder")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the state as JSON")
    watch = "redraw it every few seconds until the sweep ends; without a terminal print a line per change"
    form.add_argument("--watch", action="store_true", help=watch)
    options = parser.parse_args(argv)
    try:
        results, names = find_sweeps(options.sweep)
        if options.watch:
            from rich.console import Console  # only a watcher needs it

            from search.sweep.status_watch import watch_sweeps

            # FORCE_COLOR, which notebooks set, makes no terminal of a pipe.
            watch_sweeps(partial(read_states, results, names), Console(force_terminal=sys.stdout.isatty()))
            return ExitCode.DONE
        states = read_states(results, names)
    except UsageError as error:
        print(f"status.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    if options.json:
        summaries = [summarize_sweep(state) for state in states]
        print(json.dumps(summaries if len(summaries) > 1 else summaries[0], indent=1))
    elif len(states) > 1:
        print("\n".join(format_headline(state) for state in states))
    else:
        print("\n".join(format_summary(summarize_sweep(states[0]))))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
