"""Remove what a sweep has left and nobody needs any more. It is well to look first.

    python search/clean.py runs/full-miniature --dry-run
    python search/clean.py runs/full-miniature
    python search/clean.py runs --keep none --tables      # every sweep of a results folder

Checkpoints of ended stages, encoders that lost and what kills left behind go; anything else needs a flag. What another
sweep in the same results folder needs stays.
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
from search.sweep.sweep_state import SweepState, find_sweeps, list_sweep_names, read_states
from search.sweep.units import format_bytes
from spaces.errors import ExitCode, UsageError
from trainables.storage.base import Storage


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    options = _build_parser().parse_args(argv)
    allowed = {f"--{flag}" for flag in ("damaged", "tables", "foreign") if getattr(options, flag)}
    try:
        results, scope = find_sweeps(options.sweep)
        if options.dry_run:
            states = _read_all_states(results)
            _print_groups(find_leftovers(states, scope, options.keep), allowed, "would go")
            if running := _list_running(states):
                print(f"{running} runs now: temporary files may be in use, and nothing can be removed until it ends.")
            return ExitCode.DONE
        lock = lock_results(results)
        try:
            _clean(results, scope, options, allowed)
        finally:
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
    p.add_argument("--dry-run", action="store_true", help="say what could go, remove nothing")
    p.add_argument("--keep", choices=("none", "winners", "all"), default="winners", help="encoders (default: winners)")
    p.add_argument("--damaged", action="store_true", help="also files that were set aside")
    p.add_argument("--tables", action="store_true", help="also tokenised data")
    p.add_argument("--foreign", action="store_true", help="also stages that no sweep of the results folder names")
    return p


def _read_all_states(results: Storage) -> list[SweepState]:
    """All sweeps of the results: a file that cannot be read may need anything, so nothing goes before it can."""
    return read_states(results, list_sweep_names(results))


def _list_running(states: Sequence[SweepState]) -> str:
    return ", ".join(state.name for state in states if is_alive(state.status, state.results, state.name))


def _clean(results: Storage, scope: Sequence[str], options: argparse.Namespace, allowed: set[str]) -> None:
    states = _read_all_states(results)
    if running := _list_running(states):  # on another machine, where the file system's locks do not reach
        raise UsageError(f"{running} runs now: wait for it, or look with --dry-run.")
    heaps = find_leftovers(states, scope, options.keep)
    stay = [name for heap in heaps if _is_removable(heap, allowed) for name in remove(results, heap.names)]
    _print_groups(heaps, allowed, "removed")
    for name in stay:
        print(f"stays: {name} (a process is at work there: try again in a minute)")


def _is_removable(heap: CleanupGroup, allowed: set[str]) -> bool:
    return heap.flag is None or heap.flag in allowed


def _print_groups(heaps: Sequence[CleanupGroup], allowed: set[str], done: str) -> None:
    going, staying = ([heap for heap in heaps if _is_removable(heap, allowed) is goes] for goes in (True, False))
    for heap in going:
        print(_format_group(heap, heap.note))
    total = sum(heap.size for heap in going)
    print(f"{'in all ' + done:<50}{sum(len(heap.names) for heap in going):>7}{format_bytes(total):>10}")
    if staying:
        print("stays, but for the flag:")
    for heap in staying:
        print(_format_group(heap, f"{heap.flag}; {heap.note}"))


def _format_group(heap: CleanupGroup, note: str) -> str:
    return f"{heap.description:<50}{len(heap.names):>7}{format_bytes(heap.size):>10}" + (f"  ({note})" if note else "")


if __name__ == "__main__":
    sys.exit(main())
