"""When checkpoints are written, what a kill leaves, and what a stage's end does to one that is being written."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.record import checkpoints
from trainables.record.checkpoints import (
    FIRST_LATENCY,
    FIRST_SPEED,
    MAX_RISK,
    RISK_FACTOR,
    Checkpoints,
    TrainingState,
    read_state,
)
from trainables.storage.base import FillFunction
from trainables.storage.local_storage import LocalStorage

FOLDER = "stages/0123456789abcdef"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class SlowStorage(LocalStorage):
    """A disk on which a file takes some time of a made-up clock. A file whose name is `broken` cannot be written."""

    clock: Clock = field(default_factory=Clock)
    seconds: float = 0.0
    broken: str = ""

    def write_file(self, name: str, fill: FillFunction) -> None:
        if self.broken and name.endswith(self.broken):
            raise OSError(28, "No space left on device")
        self.clock.now += self.seconds
        LocalStorage.write_file(self, name, fill)


@pytest.fixture(autouse=True)
def forgotten_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_speeds", {})


def state_of(tenth: int, *best_tenths: int) -> TrainingState:
    tensors, *best = ({"weight": torch.full((4,), float(number))} for number in (tenth, *best_tenths))
    return TrainingState(tenth=tenth, tensors=tensors, best=dict(zip(best_tenths, best, strict=True)))


def files_in(results: LocalStorage) -> set[str]:
    return {name.removeprefix(f"{FOLDER}/checkpoint/") for name in results.list_sizes()}


def assert_equal(one: TrainingState | None, other: TrainingState) -> None:
    assert one is not None and one.tenth == other.tenth and one.best.keys() == other.best.keys()
    for mine, theirs in ((one.tensors, other.tensors), *((one.best[tenth], other.best[tenth]) for tenth in other.best)):
        assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("in_background", [False, True])
def test_what_was_written_last_is_read(tmp_path: Path, in_background: bool) -> None:
    results = LocalStorage(tmp_path)
    assert read_state(results, FOLDER) is None
    writer = Checkpoints(results, FOLDER)
    for tenth, *best in ((1,), (2, 1), (3, 1), (4,), (6, 5), (7, 5, 6), (10, 10)):
        writer.write(state_of(tenth, *best), in_background=in_background)
        writer.finish()
        assert_equal(read_state(results, FOLDER), state_of(tenth, *best))
        assert writer.saved_tenth == tenth
        assert files_in(results) == {"state.safetensors", *(f"best-{number}.safetensors" for number in best)}
    writer.discard()
    assert not files_in(results)


def test_the_best_weights_are_written_once(tmp_path: Path) -> None:
    writer = Checkpoints(LocalStorage(tmp_path), FOLDER)
    writer.write(state_of(2, 1))
    best = tmp_path / FOLDER / "checkpoint" / "best-1.safetensors"
    before, size = best.stat().st_mtime_ns, writer.written_bytes
    writer.write(state_of(3, 1))
    assert best.stat().st_mtime_ns == before and writer.written_bytes == 2 * size - 16


def test_bytes_are_counted_over_all_processes(tmp_path: Path) -> None:
    results = LocalStorage(tmp_path)
    first, second = Checkpoints(results, FOLDER), Checkpoints(results, FOLDER)
    for tenth in (1, 2):
        first.write(state_of(tenth))
    state = read_state(results, FOLDER)
    assert state is not None and 0 < state.written == first.written_bytes
    second.written_bytes = state.written
    second.write(state_of(3, 1))
    state = read_state(results, FOLDER)
    assert state is not None and state.written == second.written_bytes > first.written_bytes


@pytest.mark.parametrize("lost", ["best-5.safetensors", "state.safetensors"])
def test_a_kill_while_files_are_written_leaves_the_checkpoint_before(tmp_path: Path, lost: str) -> None:
    results = LocalStorage(tmp_path)
    Checkpoints(results, FOLDER).write(state_of(4, 2))
    with pytest.raises(OSError, match="No space left"):
        Checkpoints(SlowStorage(tmp_path, broken=lost), FOLDER).write(state_of(6, 5))
    assert_equal(read_state(results, FOLDER), state_of(4, 2))


def test_a_checkpoint_without_its_best_weights_is_damaged(tmp_path: Path) -> None:
    results = LocalStorage(tmp_path)
    Checkpoints(results, FOLDER).write(state_of(4, 2))
    results.remove(f"{FOLDER}/checkpoint/best-2.safetensors")
    with pytest.raises(ValueError, match=r"best-2.safetensors is missing"):
        read_state(results, FOLDER)


def test_what_is_written_in_the_background_is_the_state_of_that_moment(tmp_path: Path) -> None:
    results, state, may_go_on = LocalStorage(tmp_path), state_of(1), threading.Event()
    writer = Checkpoints(results, FOLDER)
    write_file = writer._write_file
    writer._write_file = lambda file, tensors: (may_go_on.wait(5), write_file(file, tensors))[1]  # type: ignore[method-assign]
    writer.write(state, in_background=True)
    state.tensors["weight"].fill_(9.0)  # training goes on
    assert not writer.is_due(0, 1e9) and writer.saved_tenth == 0
    may_go_on.set()
    writer.finish()
    assert_equal(read_state(results, FOLDER), state_of(1))


def test_an_error_in_the_background_comes_with_the_next_call(tmp_path: Path) -> None:
    for call in (lambda writer: writer.finish(), lambda writer: writer.write(state_of(2))):
        writer = Checkpoints(SlowStorage(tmp_path, broken="state.safetensors"), FOLDER)
        writer.write(state_of(1), in_background=True)
        with pytest.raises(OSError, match="No space left"):
            call(writer)


def test_a_stage_that_ends_does_not_wait_for_a_checkpoint_and_leaves_none(tmp_path: Path) -> None:
    results, may_go_on = LocalStorage(tmp_path), threading.Event()
    writer = Checkpoints(results, FOLDER)
    write_file = writer._write_file
    writer._write_file = lambda file, tensors: (may_go_on.wait(5), write_file(file, tensors))[1]  # type: ignore[method-assign]
    writer.write(state_of(9), in_background=True)
    thread = writer._writer
    writer.discard()  # returns although nothing could be written yet
    may_go_on.set()
    assert thread is not None
    thread.join(5)
    assert not files_in(results)


@pytest.mark.parametrize("seed", range(20))
def test_a_kill_repeats_one_tenth_or_ten_minutes_and_checkpoints_take_a_twentieth(tmp_path: Path, seed: int) -> None:
    # Whole stages of random lengths on disks of random speed: what is at risk, at every moment.
    rng = np.random.default_rng(seed)
    clock, tenth_seconds, seconds = Clock(), 10 ** rng.uniform(-2, 3.5), 10 ** rng.uniform(-3, 2)
    writer = Checkpoints(SlowStorage(tmp_path, clock=clock, seconds=seconds), FOLDER, clock=clock)
    states, spent, longest = [0.0], 0.0, 0.0  # states: when the state that would be continued from was taken
    for tenth in range(1, 11):
        duration = tenth_seconds * rng.uniform(0.8, 1.2)
        clock.now += duration
        longest = max(longest, duration)
        taken = clock.now
        if writer.is_due(48, duration):
            writer.write(state_of(tenth))
            spent += clock.now - taken
            assert clock.now - states[-1] <= max(MAX_RISK, longest + seconds) * 1.5
            states.append(taken)
        assert clock.now - states[-1] <= max(MAX_RISK, longest) + 2 * seconds + 0.3 * tenth_seconds
    most = clock.now / RISK_FACTOR + 2 * seconds
    assert spent <= most or tenth_seconds + seconds > MAX_RISK / 2


def test_a_checkpoint_is_due_by_what_the_last_one_of_the_process_took(tmp_path: Path) -> None:
    clock = Clock()
    results = SlowStorage(tmp_path, clock=clock, seconds=2.0)
    first = Checkpoints(results, FOLDER, clock=clock)
    clock.now = RISK_FACTOR * (FIRST_LATENCY + 4e8 / FIRST_SPEED) - 0.1
    assert not first.is_due(4e8, 1.0)  # type: ignore[arg-type]
    clock.now += 0.2
    assert first.is_due(4e8, 1.0)  # type: ignore[arg-type]
    first.write(state_of(1))
    second = Checkpoints(results, FOLDER, clock=clock)
    clock.now += 39.0
    assert not second.is_due(16, 1.0)
    clock.now += 1.5
    assert second.is_due(16, 1.0) and not second.is_due(32, 1.0)
