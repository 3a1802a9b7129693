"""What the driver tells of running stages between two of their reports, and what it does not believe."""

import dataclasses
import json

import pytest

from search.board.board import Board
from search.driver.progress_text import build_running_table, describe_stages, describe_tenths
from search.driver.progress_tracker import ProgressTracker
from search.sweep.throttle import Throttle
from spaces.activities import Activity
from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from tests.search.conftest import AlwaysDue, Room
from trainables.record.context import POSITION
from trainables.record.position import StagePosition

SLOTS = 2


class Sweep:
    """A running stage whose worker tells positions, and the tracker of a driver, on a clock that tests set."""

    def __init__(self, room: Room) -> None:
        self.now = 1000.0
        self.board: Board = room.run(most=1)
        self.tracker = ProgressTracker(lambda: self.now)
        self.tracker.positions.throttle = AlwaysDue()
        stage = self.board.start_next()
        assert stage is not None
        self.stage: Stage = stage

    def tell(self, done: int = 0, total: int = 0, *, activity: Activity = "training", tenth: int = 0) -> None:
        seconds = 2.0 * done
        position = StagePosition(tenth=tenth, activity=activity, done=done, total=total, seconds=seconds, beats=done)
        file = folder_of(self.board.store.context, self.stage.key) / POSITION
        file.write_text(json.dumps(dataclasses.asdict(position)))

    @property
    def line(self) -> str:
        return describe_stages(self.board, self.tracker.observe(self.board, SLOTS))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.tracker.observe(self.board, SLOTS)


@pytest.fixture
def sweep(room: Room) -> Sweep:
    return Sweep(room)


def test_a_stage_moves_within_its_tenth(sweep: Sweep) -> None:
    name = sweep.stage.task
    assert sweep.line.endswith(f"1 running ({name} 0/10)")
    sweep.tell(20, 40)
    assert sweep.line.endswith(f"1 running ({name} 0/10: step 20 of 40)")
    sweep.tell(activity="dev", tenth=1)
    assert sweep.line.endswith(f"1 running ({name} 1/10: English dev)")
    sweep.tell(2, 15, activity="test", tenth=TENTHS)
    assert sweep.line.endswith(f"1 running ({name} 10/10: testing, 2 of 15 languages done)")
    plain = describe_stages(sweep.board, sweep.tracker.observe(sweep.board, SLOTS), details="tenths")
    assert plain.endswith(f"1 running ({name} 10/10)")


def test_parts_of_a_tenth_count_for_the_whole(sweep: Sweep) -> None:
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tracker.record(sweep.stage.key, [0.5] * 3, 30.0, None)
    sweep.tell(10, 40, tenth=3)
    progress = sweep.tracker.observe(sweep.board, SLOTS)
    assert (progress.whole_tenths, progress.tenths) == (3, 3.25)
    sweep.tell(activity="dev", tenth=4)
    assert sweep.tracker.observe(sweep.board, SLOTS).tenths == 4


def test_the_first_steps_tell_the_time_left(sweep: Sweep) -> None:
    assert sweep.tracker.observe(sweep.board, SLOTS).running[0].left is None
    sweep.tell(10, 40)  # 20 seconds: a tenth takes 80
    (running,) = sweep.tracker.observe(sweep.board, SLOTS).running
    assert running.left == pytest.approx(80 * 10.5, rel=0.05)
    assert sweep.tracker.observe(sweep.board, SLOTS).left is not None
    sweep.tell(activity="dev", tenth=1)
    assert sweep.tracker.observe(sweep.board, SLOTS).running[0].left is not None, "it stays known between two counts"


def test_a_file_of_an_earlier_worker_is_not_believed(room: Room) -> None:
    sweep = Sweep(room)
    sweep.tell(39, 40, tenth=7)  # left by a worker that was killed, before this driver looked for the first time
    assert sweep.line.endswith("0/10)")
    sweep.wait(1000)
    assert sweep.line.endswith("0/10)"), "it never changed"
    sweep.tell(1, 40)
    assert sweep.line.endswith("0/10: step 1 of 40)")


def test_a_position_that_a_report_has_overtaken_is_not_shown(sweep: Sweep) -> None:
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tell(39, 40, tenth=0)
    assert "step 39" in sweep.line
    sweep.tracker.record(sweep.stage.key, [0.5, 0.6], 160.0, None)
    assert sweep.line.endswith("2/10)")


def test_silence_is_told_after_a_minute_and_ends_with_a_sign_of_life(sweep: Sweep) -> None:
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tell(20, 40)
    sweep.wait(1)
    sweep.wait(59)
    assert sweep.line.endswith("step 20 of 40)")
    sweep.wait(121)
    assert sweep.line.endswith("step 20 of 40, nothing heard for 3 min)")
    sweep.tell(21, 40)
    assert sweep.line.endswith("step 21 of 40)")


def test_a_stage_that_is_handed_out_again_begins_anew(sweep: Sweep) -> None:
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tell(20, 40, tenth=2)
    assert "2/10: step 20" in sweep.line
    entry = sweep.board.running.pop(sweep.stage.key)  # its worker died
    sweep.wait(1)
    sweep.board.running[sweep.stage.key] = entry
    assert sweep.line.endswith("0/10)"), "the file of the dead worker"


def test_files_are_read_every_few_seconds_only(sweep: Sweep) -> None:
    sweep.tracker.positions.throttle = Throttle(3600.0)
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tell(20, 40)
    assert sweep.line.endswith("0/10)")


def test_the_table_shows_the_position_in_the_place_of_what_follows(sweep: Sweep) -> None:
    sweep.tracker.observe(sweep.board, SLOTS)
    sweep.tell(20, 40)
    progress = sweep.tracker.observe(sweep.board, SLOTS)
    assert describe_tenths(sweep.stage, progress.running[0]) == "0/10, step 20 of 40"
    assert build_running_table(sweep.board, progress).row_count == 1
