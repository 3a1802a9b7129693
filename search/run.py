"""Run a sweep, or continue it: run the same command again after any interruption.

python search/run.py --space full                # the miniature: no network, no GPU, no download
python search/run.py --space full --plan         # print what would run
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    # `python search/run.py` puts search/ on the path. The root replaces it, to come before any other package that is
    # called `spaces` too (there is one on the index).
    sys.path[0] = str(ROOT)

from search.process import signals
from search.process.processes import kill_started_processes
from search.process.ray_start import RayStartError
from spaces.command import run_command, start_command

if __name__ == "__main__":  # before the slow imports
    start_command()
    signals.install()

from search.process.write_failure import CONTINUE_HINT, describe_free_space, describe_write_failure
from search.request.options import RunOptions, parse_options
from spaces.errors import ExitCode, UsageError
from spaces.streams import STDOUT, find_lost_streams

if TYPE_CHECKING:
    from search.board.board import Board
    from search.request.request import SweepRequest


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    options = parse_options(argv)
    try:
        return run(options)
    except UsageError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except RayStartError as error:
        print(signals.format_resume_message(f"stopped: {error}"), file=sys.stderr)
        return ExitCode.FAILED
    except Exception as error:
        message = describe_write_failure(error, options.results)
        if message is None:
            raise
        print(f"\n{message}", file=sys.stderr)
        return ExitCode.FAILED


def run(options: RunOptions) -> int:
    """Check the request, run it, and print the answer; return the exit code."""
    began = time.monotonic()
    from search.request.places import check_hub_cache, check_names, check_writable
    from search.request.preview import narrow_to_preview
    from search.request.request import make_request  # heavy imports come after --help
    from search.request.resources import count_local_slots

    if options.hours == 0:
        raise UsageError("--hours 0: nothing can be done in no time. Give a time above 0.")
    if options.print_space:
        from search.request.chosen_space import format_chosen_space

        print(format_chosen_space(options), end="")
        return ExitCode.DONE
    check_hub_cache(options)
    request = make_request(options)
    if options.preview is not None:
        request = narrow_to_preview(request, options)
    for line in request.hub_notes:
        print(f"note: {line}", file=sys.stderr, flush=True)
    check_names(request)
    if options.check:
        from search.request.check import show_check

        return ExitCode.DONE if show_check(request) else ExitCode.USAGE
    slots = count_local_slots(options)
    if options.plan:
        return _show_plan(request, slots, options)
    check_writable(request.context.results, None if options.uses_cluster else request.context.scratch)
    from search.driver.damage import DamageReporter
    from search.sweep.sweep_file import check_sweep, lock_results, quarantine_damaged_sweep

    check_sweep(request.context.results, request.name, request.spec)
    lock = lock_results(request.context.results)
    try:
        from search.driver.sweep_run import run_sweep

        if request.context.source.hub is not None and request.context.hub_record is not None:
            from trainables.repositories.record import write_record

            write_record(request.context.results, request.context.hub_record, request.context.source.hub)

        damage = DamageReporter(request.context.results, lambda line: print(line, file=sys.stderr, flush=True))
        damage.report(filter(None, [quarantine_damaged_sweep(request.context.results, request.name)]))
        board, is_interrupted = run_sweep(request, options, slots, damage)
        print(flush=True)
        _print_summary(request, board, time.monotonic() - began)
        if is_interrupted:
            if options.hours is not None:
                _print_answer(request)
                _print_failures(board)
            print(signals.format_resume_message(signals.read_stop_reason()), file=sys.stderr)
            return ExitCode.INTERRUPTED
        _print_answer(request)
        return ExitCode.FAILED if _print_failures(board) else ExitCode.DONE
    finally:
        lock.release()


def _show_plan(request: "SweepRequest", slots: int, options: RunOptions) -> int:
    from search.cost.cost import estimate_cost, estimate_work
    from search.cost.detectable import describe_detectable
    from search.cost.host_memory import describe_memory
    from search.cost.observed_spread import find_spread
    from search.cost.plan_description import describe_plan
    from search.cost.time_description import describe_time
    from search.driver.run_state import make_board

    arms = () if request.missing_data else make_board(request, None, None).iter_arms()
    done = Counter(stratum.id for stratum, arm in arms if arm.outcome is not None)
    lines = describe_plan(request, estimate_cost(request, slots, options.keep), done.total())
    lines += describe_memory(request, options, slots)
    lines += describe_detectable(request, estimate_work(request), find_spread(request))
    lines += [f"left out: {line}" for line in request.skipped_tasks]
    lines += [f"note: {line}" for line in (*request.maker.start.notes, *request.foreign_notes)]
    if request.missing_data:
        from search.request.needs import format_missing_data

        lines.append(format_missing_data(request.missing_data))
    print("\n".join(lines), flush=True)
    print("\n".join(describe_time(request, options, slots, done)))  # half a minute
    return ExitCode.DONE


def _print_summary(request: "SweepRequest", board: "Board", seconds: float) -> None:
    """Print the number of stages, and notes. Notes that repeat share a line, with tasks or a count."""
    from search.driver.progress_text import count_stages
    from search.sweep.units import format_duration

    counts = count_stages(board)
    trained = sum(counts[status] for status in ("done", "measured", "stopped", "degenerate", "failed"))
    print(f"{request.name}: {trained} stages run, {counts['reused']} reused, in {format_duration(seconds)}.")
    for line in request.skipped_tasks:
        print(f"left out: {line}")
    for line in _merge_task_notes((*request.notes, *request.foreign_notes)):
        print(f"note: {line}")
    outcomes = [arm.outcome for _, arm in board.iter_arms() if arm.outcome is not None]
    stage_notes = Counter(note for outcome in outcomes for note in {*(outcome.note or "").split("; ")} - {""})
    for note, stages in stage_notes.most_common():
        print(f"note ({stages} stage{'s' * (stages != 1)}): {note}")
    if request.context.keep_predictions:
        kinds = ("intermediate", "target", "retrieval")
        _print_missing_outputs(board, "predictions", kinds, board.store.has_predictions)
    if request.context.keep_models:
        _print_missing_models(board)
    if tasks := request.target_dev_sets:
        _print_missing_outputs(board, "target-dev", ("target",), board.store.has_target_dev, tasks)
    if request.context.probes:
        _print_missing_outputs(board, "probes", ("intermediate", "target"), board.store.has_probes)


def _merge_task_notes(notes: Iterable[str]) -> list[str]:
    """Return one line for all tasks with the same note: from `TASK: NOTE` to `TASK, TASK: NOTE`."""
    tasks_by_note: dict[str, list[str]] = {}
    for line in notes:
        task, _, note = line.partition(": ")
        tasks_by_note.setdefault(note, []).append(task)
    return [f"{', '.join(tasks)}: {note}" for note, tasks in tasks_by_note.items()]


def _print_missing_outputs(
    board: "Board", output: str, kinds: Collection[str], has: Callable[[str], bool], tasks: Collection[str] = ()
) -> None:
    """Print how many stages finished without `--OUTPUT`: their encoders may be gone, so they are not run again."""
    stages = (arm.stage for _, arm in board.iter_arms() if arm.status == "finished")
    finished = [stage.key for stage in stages if stage.kind in kinds and stage.task in (tasks or (stage.task,))]
    missing = sum(not has(key) for key in finished)
    if missing:
        print(
            f"note: {missing} of {len(finished)} finished stages have no {output}, as they ran without --{output}. "
            "To run them again, give another --results folder."
        )


def _print_missing_models(board: "Board") -> None:
    """Print how many stages of targets that won ran without --keep-models; what could not be kept has its own note."""
    from spaces.model_files import MODEL_FOLDER, NO_MODEL_NOTE

    states = [state for state in board.states.values() if state.stratum.kind == "target"]
    winners = [state.winner for state in states if state.winner is not None and state.winner.outcome is not None]
    context = board.store.context
    missing = sum(
        not context.results.has(context.file_name(arm.stage.key, MODEL_FOLDER))
        for arm in winners
        if arm.outcome is not None and NO_MODEL_NOTE not in (arm.outcome.note or "")
    )
    if missing:
        print(
            f"note: {missing} of {len(winners)} targets have no fine-tuned model, as they ran without --keep-models. "
            "analysis/winner.py --target tells how to have one."
        )


def _print_answer(request: "SweepRequest") -> None:
    """Print the ranking, or the prediction of a preview.

    Search must not import the analysis, so this calls its scripts as a user would.
    """
    print(flush=True)
    if STDOUT in find_lost_streams():
        return  # the command says so at its end
    script = ["rank.py", request.url, "--summary"] if request.whole_plan is None else ["preview.py", request.url]
    command = [sys.executable, str(ROOT / "analysis" / script[0]), *script[1:]]
    with signals.register_teardown(kill_started_processes):
        subprocess.run(command, check=False, process_group=0)  # in its own group: Ctrl-C reaches this process only


def _print_failures(board: "Board") -> bool:
    """Print failed and unreachable stages, and why the sweep stopped by itself; return True if there is any."""
    failed = [arm for _, arm in board.iter_arms() if arm.outcome is not None and arm.outcome.status == "failed"]
    unreachable = [state for state in board.states.values() if state.unreachable_reason]
    if failed:
        print(f"\n{len(failed)} stages failed (--retry-failed tries them again):", file=sys.stderr)
        print(f"  {'stage':16}  {'kind':8}  tries  description and reason", file=sys.stderr)
    for arm in failed:
        assert arm.outcome is not None
        kind, tries = arm.outcome.failure or "error", arm.outcome.attempts
        print(f"  {arm.stage.key}  {kind:8}  {tries:5}  {arm.stage.label}: {arm.outcome.reason}", file=sys.stderr)
    for state in unreachable:
        print(f"  not reached: {state.stratum.id}: {state.unreachable_reason}", file=sys.stderr)
    reason = board.breaker.stop_reason
    if reason is not None:
        free_space = describe_free_space(board.store.context.results.url) if board.breaker.is_unwritable else ""
        retry = " Add --retry-failed to try the failed stages again." if failed else ""
        print(f"\nstopped: {reason}{free_space}. {CONTINUE_HINT}.{retry}", file=sys.stderr)
    return bool(failed or unreachable or reason)


if __name__ == "__main__":
    sys.exit(run_command(main))
