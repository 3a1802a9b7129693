"""Run a sweep, or continue it: the same command after any interruption.

python search/run.py --space full                # the miniature: no network, no GPU, no download
python search/run.py --space full --plan         # what would run
"""

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    # `python search/run.py` puts search/ on the path. The root takes its place, before any other package that is
    # also called `spaces` (there is one on the index).
    sys.path[0] = str(ROOT)

from search.process import signals, streams

if __name__ == "__main__":  # before the slow imports
    signals.install()
    streams.ignore_broken_pipes()

from search.request.options import parse_options
from spaces.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from argparse import Namespace

    from search.board.board import Board
    from search.board.protocols import KeepPolicy
    from search.request.request import SweepRequest

CONTINUE_HINT = "Put that right; then the same command goes on"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    options = parse_options(argv)
    try:
        return run(options)
    except UsageError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except Exception as error:
        line = _describe_write_failure(error, options)
        if line is None:
            raise
        print(f"\n{line}", file=sys.stderr)
        return ExitCode.FAILED


def _describe_write_failure(error: Exception, options: "Namespace") -> str | None:
    """What to say where the driver itself could not write the results; None for any other error."""
    from trainables.storage.base import is_remote
    from trainables.worker.failures import STORAGE, failure_of

    results = options.results if is_remote(options.results) else str(Path(options.results).resolve())
    failure = failure_of(error, results)
    if failure.kind is not STORAGE:
        return None
    return f"stopped: the results cannot be written ({failure.reason}){_describe_free_space(results)}. {CONTINUE_HINT}."


def _describe_free_space(url: str) -> str:
    """Where the results lie and how much is free there, as far as can be told."""
    from trainables.storage.base import is_remote

    try:
        free = "" if is_remote(url) else f": {shutil.disk_usage(url).free / 2**20:.1f} MiB are free"
    except OSError:
        free = ""
    return f" in {url}{free}"


def run(options: "Namespace") -> int:
    """Check, plan, run, and print the ranking."""
    began = time.monotonic()
    from search.request.request import check_writable, make_request  # heavy imports come after --help
    from search.request.resources import count_local_slots

    request = make_request(options)
    if options.check:
        from search.request.check import show_check

        return ExitCode.DONE if show_check(request) else ExitCode.USAGE
    slots = count_local_slots(options)
    if options.plan:
        return _show_plan(request, slots, options.keep)
    check_writable(request.context.results)
    from search.driver.damage import DamageReporter
    from search.sweep.sweep_file import check_sweep, lock_results, quarantine_damaged_sweep

    check_sweep(request.context.results, request.name, request.spec)
    lock = lock_results(request.context.results)
    try:
        from search.driver.sweep_run import run_sweep

        damage = DamageReporter(request.context.results, lambda line: print(line, file=sys.stderr, flush=True))
        damage.report(quarantine_damaged_sweep(request.context.results, request.name))
        board, interrupted = run_sweep(request, options, slots, damage)
        damage.report_all_damage(board)
        print(flush=True)
        _print_summary(request, board, time.monotonic() - began)
        if interrupted:
            print(signals.format_resume_message(), file=sys.stderr)
            return ExitCode.INTERRUPTED
        _print_ranking(request)
        return ExitCode.FAILED if _print_failures(board) else ExitCode.DONE
    finally:
        lock.release()


def _show_plan(request: "SweepRequest", slots: int, keep: "KeepPolicy") -> int:
    from search.cost.cost import describe_plan, estimate_cost
    from search.driver.sweep_run import make_board

    reused = 0
    if not request.missing_data:
        reused = sum(arm.outcome is not None for _, arm in make_board(request, None, None).iter_arms())
    print("\n".join(describe_plan(request, estimate_cost(request, slots, keep), reused)))
    for line in request.skipped_tasks:
        print(f"left out: {line}")
    if request.missing_data:
        from search.request.needs import format_missing_data

        print(format_missing_data(request.missing_data))
    return ExitCode.DONE


def _print_summary(request: "SweepRequest", board: "Board", seconds: float) -> None:
    from search.driver.progress import count_stages
    from search.sweep.units import format_duration

    found = count_stages(board)
    trained = sum(found[status] for status in ("done", "stopped", "degenerate", "failed"))
    print(f"{request.name}: {trained} stages run, {found['reused']} reused, in {format_duration(seconds)}.")
    for line in request.skipped_tasks:
        print(f"left out: {line}")
    for line in request.notes:
        print(f"note: {line}")
    told = Counter(arm.outcome.note for _, arm in board.iter_arms() if arm.outcome is not None and arm.outcome.note)
    for line, stages in told.most_common():
        print(f"note of {stages} stages: {line}")
    if request.context.keep_predictions:
        _print_missing_outputs(
            board, "predictions", ("intermediate", "target", "retrieval"), board.store.has_predictions
        )
    if request.context.probes:
        _print_missing_outputs(board, "probes", ("intermediate", "target"), board.store.has_probes)


def _print_missing_outputs(board: "Board", what: str, kinds: Collection[str], has: Callable[[str], bool]) -> None:
    """Stages that finished before `--what` was asked for: their encoders may be gone, so nothing is done again."""
    finished = [
        arm.stage.key
        for _, arm in board.iter_arms()
        if arm.stage.kind in kinds and arm.outcome is not None and arm.outcome.status == "finished"
    ]
    lacking = sum(not has(key) for key in finished)
    if lacking:
        print(
            f"note: {lacking} of {len(finished)} finished stages have no {what}, as they ended without "
            f"--{what}: give another --results folder to run them anew."
        )


def _print_ranking(request: "SweepRequest") -> None:
    """The ranked table. Search must not import the analysis, so it is called as a user would call it."""
    from search.process.processes import kill_started_processes

    print(flush=True)
    command = [sys.executable, str(ROOT / "analysis" / "rank.py"), request.url]
    with signals.register_teardown(
        kill_started_processes
    ):  # in a group of its own, so that Ctrl-C comes to this process only
        subprocess.run(command, check=False, process_group=0)


def _print_failures(board: "Board") -> bool:
    failed = [arm for _, arm in board.iter_arms() if arm.outcome is not None and arm.outcome.status == "failed"]
    lost = [group for group in board.states.values() if group.unreachable_reason]
    if failed:
        print(f"\n{len(failed)} stages failed (--retry-failed tries them again):", file=sys.stderr)
        print(f"  {'stage':16}  {'kind':8}  tries  what and why", file=sys.stderr)
    for arm in failed:
        assert arm.outcome is not None
        kind, tries = arm.outcome.failure or "error", arm.outcome.attempts
        print(f"  {arm.stage.key}  {kind:8}  {tries:5}  {arm.stage.label}: {arm.outcome.reason}", file=sys.stderr)
    for group in lost:
        print(f"  not reached: {group.stratum.id}: {group.unreachable_reason}", file=sys.stderr)
    why = board.breaker.stop_reason
    if why is not None:
        room = _describe_free_space(board.store.context.results.url) if board.breaker.is_unwritable else ""
        also = ", with --retry-failed also with what failed" if failed else ""
        print(f"\nstopped: {why}{room}. {CONTINUE_HINT}{also}.", file=sys.stderr)
    return bool(failed or lost or why)


if __name__ == "__main__":
    sys.exit(main())
