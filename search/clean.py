"""Remove files of a sweep that nobody needs any more. Look first with --dry-run.

    python search/clean.py runs/full-miniature --dry-run
    python search/clean.py runs/full-miniature
    python search/clean.py runs --keep none --tables      # every sweep of a results folder

Removed are checkpoints of ended stages, encoders that lost, and temporary files of killed processes. Anything else
needs a flag. Files that another sweep in the same results folder needs are kept.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)  # before any other package that is also called `spaces`

from search.sweep.cleanup import CleanupGroup, find_leftovers, remove
from search.sweep.status_file import is_alive
from search.sweep.sweep_file import lock_results
from search.sweep.sweep_state import find_sweeps, list_sweep_names, read_states
from search.sweep.units import format_bytes
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from trainables.storage.base import Storage


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    options = _build_parser().parse_args(argv)
    try:
        results, scope = find_sweeps(options.sweep)
        lock = None if options.dry_run else lock_results(results)
        try:
            _clean(results, scope, options)
        finally:
            if lock is not None:
                lock.release()
    except UsageError as error:
        print(f"clean.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    return ExitCode.DONE


def _build_parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="search/clean.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("sweep", metavar="SWEEP", help="folder of a sweep, or a results folder for all its sweeps")
    p.add_argument("--dry-run", action="store_true", help="print what would be removed, remove nothing")
    keep = "encoders to keep (default: winners)"
    p.add_argument("--keep", choices=("none", "winners", "all"), default="winners", help=keep)
    p.add_argument(
        "--previews", action="store_true", help="also remove what --preview left of phases that never went on"
    )
    p.add_argument("--models", action="store_true", help="also remove the fine-tuned models of --keep-models")
    p.add_argument("--damaged", action="store_true", help="also remove files in quarantine")
    p.add_argument("--tables", action="store_true", help="also remove tokenised data")
    p.add_argument("--foreign", action="store_true", help="also remove stages that no sweep of the results names")
    return p


def _clean(results: Storage, scope: Sequence[str], options: argparse.Namespace) -> None:
    states = read_states(results, list_sweep_names(results))  # of all: a sweep that cannot be read may need any file
    running = ", ".join(state.name for state in states if is_alive(state.status, state.results, state.name))
    groups = find_leftovers(states, scope, options.keep)
    flags = {f"--{flag}" for flag in ("previews", "models", "damaged", "tables", "foreign") if getattr(options, flag)}
    if options.dry_run:
        _print_groups(groups, flags, "to remove")
        if running:
            print(f"{running} is running: its temporary files may be in use. Nothing can be removed until it ends.")
        return
    if running:  # on another machine, where the file system's locks do not reach
        raise UsageError(f"{running} is running: wait until it ends, or look with --dry-run.")
    in_use = [name for group in groups if _is_removable(group, flags) for name in remove(results, group.names)]
    _print_groups(groups, flags, "removed")
    for name in in_use:
        print(f"kept: {name} (a process is using it: try again in a minute)")


def _is_removable(group: CleanupGroup, flags: set[str]) -> bool:
    return group.flag is None or group.flag in flags


def _print_groups(groups: Sequence[CleanupGroup], flags: set[str], verb: str) -> None:
    removable = [group for group in groups if _is_removable(group, flags)]
    for group in removable:
        print(_format_row(group.description, len(group.names), group.size, group.note))
    print(_format_row(f"{verb}, in all", sum(len(group.names) for group in removable), sum(g.size for g in removable)))
    kept = [group for group in groups if not _is_removable(group, flags)]
    if kept:
        print("kept, as each needs a flag:")
    for group in kept:
        print(_format_row(group.description, len(group.names), group.size, f"{group.flag}; {group.note}"))


def _format_row(description: str, files: int, size: int, note: str = "") -> str:
    return f"{description:<50}{files:>7}{format_bytes(size):>10}" + (f"  ({note})" if note else "")


if __name__ == "__main__":
    sys.exit(run_command(main))
