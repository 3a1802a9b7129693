"""A preview on the board: phases wait once they are measured, and nothing else is stopped or removed."""

from pathlib import Path

from search.board.board import Board
from search.driver.damage import DamageReporter
from search.driver.preview_stop import PreviewStop
from search.driver.progress_text import describe_stages
from search.driver.run_state import SweepRun, read_state
from search.request.options import parse_options
from search.request.preview import narrow_to_preview
from search.request.request import make_request
from search.sweep.sweep_file import read_sweep
from spaces.stage import Stage
from tests.search.conftest import finish
from trainables.record.preview_file import append_measurements

FLAGS = ("--intermediates", "mnli,squad", "--targets", "xnli", "--seeds", "0", "--keep", "none")


def read_run(results: Path, *flags: str) -> SweepRun:
    options = parse_options(["--results", str(results), *FLAGS, *flags])
    request = make_request(options)
    request = request if options.preview is None else narrow_to_preview(request, options)
    return read_state(request, options, 1, DamageReporter(request.context.results, print))


def start(board: Board) -> Stage:
    stage = board.start_next()
    assert stage is not None
    return stage


def pretrain(run: SweepRun) -> None:
    stage = start(run.board)
    assert stage.kind == "pretrain" and not run.is_preview_done
    run.board.end(stage.key, finish(run.board.store, stage))


def measure(run: SweepRun, stage: Stage) -> None:
    """What a worker leaves after the tenth, and Tune's answer to its result."""
    policy, config = run.stopping_policy, {"stratum": f"intermediate.{stage.task}..0", "key": stage.key}
    assert isinstance(policy, PreviewStop)
    trial = type("Trial", (), {"config": config})
    assert policy.on_trial_result(None, trial, {}) == "CONTINUE"
    context = run.request.context
    append_measurements(stage.key, [{"stage": stage.key, "tenth": context.preview_tenth}], context)
    assert policy.on_trial_result(None, trial, {}) == "STOP"
    run.board.halt(stage.key, 1, 10, 1.0)


def test_phases_wait_where_they_were_measured_and_the_sweep_starts_from_there(tmp_path: Path) -> None:
    run = read_run(tmp_path, "--preview", "1")
    pretrain(run)
    measured = []
    for _ in range(2):
        assert not run.is_preview_done
        stage = start(run.board)
        measure(run, stage)
        measured.append(stage)
    assert run.board.start_next() is None and run.is_preview_done and not run.board.is_complete
    assert not any(run.board.store.load_outcome(stage.key) for stage in measured)  # nothing has ended for good
    again = read_run(tmp_path, "--preview", "1")
    assert again.is_preview_done and again.board.start_next() is None
    can_start = {arm.stage.key for _, arm in read_run(tmp_path).board.iter_arms() if arm.can_start}
    assert {stage.key for stage in measured} <= can_start


def test_rungs_are_the_tenth_that_is_measured(tmp_path: Path) -> None:
    for tenth, rungs in ((3, [3]), (10, [])):
        run = read_run(tmp_path, "--preview", str(tenth))
        assert run.board.records.rungs_of("intermediate.mnli..0") == rungs


def test_whole_phases_end_and_keep_their_encoders(tmp_path: Path) -> None:
    run = read_run(tmp_path, "--preview", "10")
    pretrain(run)
    for _ in range(2):
        stage = start(run.board)
        append_measurements(stage.key, [{"stage": stage.key, "tenth": 10}], run.request.context)
        run.board.end(stage.key, finish(run.board.store, stage))
        assert run.board.store.has_encoder(stage.key)  # in spite of --keep none: the sweep needs it
    assert run.board.is_complete and run.is_preview_done


def test_the_record_of_the_sweep_has_its_whole_plan(tmp_path: Path) -> None:
    run = read_run(tmp_path, "--preview", "1")
    pretrain(run)
    run.manifest.write()
    record = read_sweep(run.request.context.results, run.request.name)
    assert record is not None and "target.xnli-en.mnli.0" in record["planned"]
    assert record["planned"].keys() == {stratum.id for stratum in read_run(tmp_path).request.plan}


def test_measured_phases_are_counted_and_no_time_left_is_told(tmp_path: Path) -> None:
    run = read_run(tmp_path, "--preview", "1")
    pretrain(run)
    measure(run, start(run.board))
    stages = describe_stages(run.board, run.status_writer.tracker.observe(run.board, 1))
    assert stages.startswith("66.6 %, 2 of 3 stages") and "1 measured" in stages
    assert run.status_writer.tracker.observe(run.board, 1).left is None
