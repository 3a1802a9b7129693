"""Tune's side of the board: what it is handed, when it must wait, what becomes of a trial's end."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import cloudpickle
from ray.exceptions import ActorDiedError, RayTaskError
from ray.tune.search import Searcher

from search.asha import StratifiedAsha
from search.progress import Progress, best_line, counts, line
from search.searcher import Losses, PlanSearcher
from spaces.stage import TENTHS
from trainables.failures import StageFailedError
from trainables.local_storage import LocalStorage

from .conftest import Room, finish


@pytest.fixture
def searcher(room: Room) -> PlanSearcher:
    return PlanSearcher(room.board(), place="{}", changed=lambda: None)


def end(searcher: PlanSearcher, trial: str, **result: Any) -> None:
    # Tune calls by keyword.
    searcher.on_trial_complete(trial_id=trial, result={"curve": [], "steps": 1, "seconds": 1.0, **result}, error=False)


def test_it_waits_for_a_parent_and_ends_when_nothing_is_left(searcher: PlanSearcher) -> None:
    first = searcher.suggest("a")
    assert set(first) >= {"key", "stratum", "place"} and first["stratum"].startswith("pretrain")
    assert searcher.suggest("b") is None, "its children must wait"
    stage = searcher.trials["a"][1]
    finish(searcher.board.store, stage)
    end(searcher, "a")
    number = 0
    while (config := searcher.suggest(f"t{number}")) != Searcher.FINISHED:
        assert config is not None and config["key"] != first["key"]
        finish(searcher.board.store, searcher.trials[f"t{number}"][1])
        end(searcher, f"t{number}")
        number += 1
    assert searcher.board.complete
    assert searcher.suggest("again") == Searcher.FINISHED


def test_the_configuration_holds_plain_values_only(searcher: PlanSearcher) -> None:
    config = searcher.suggest("a")
    assert all(isinstance(value, int) for value in config.pop("rungs"))
    assert all(isinstance(value, str | int | float) for value in config.values())


def test_a_trial_that_the_scheduler_stopped_is_censored(searcher: PlanSearcher, room: Room) -> None:
    searcher.suggest("a")
    end(searcher, "a", curve=[0.1, 0.2, 0.3], steps=30, seconds=2.0)
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None
    assert (arm.outcome.status, arm.outcome.tenth, arm.outcome.steps) == ("stopped", 3, 30)


def test_a_stage_that_was_judged_late_is_stopped_at_its_rung(room: Room) -> None:
    # The driver was killed before it heard of tenth 3, and the resumed stage trained tenth 4 before it could be judged.
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", {stratum.id for stratum in room.plan()})
    searcher = PlanSearcher(room.board(), place="{}", changed=lambda: None)
    config = searcher.suggest("a")
    room.gate.report_curve(config["stratum"], "better", [0.9] * 3)
    curve = [0.1] * 4
    assert room.gate.report_curve(config["stratum"], config["key"], curve) == "STOP"
    end(searcher, "a", curve=curve, steps=40, seconds=2.0)
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None and arm.outcome.curve == (0.1, 0.1, 0.1) and arm.outcome.tenth == 3


def test_an_error_in_a_stage_is_recorded_with_type_and_message(searcher: PlanSearcher) -> None:
    searcher.suggest("a")
    end(searcher, "a", error="ValueError: no such column", details="Traceback ...")
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None and arm.outcome.status == "failed"
    assert arm.outcome.reason == "ValueError: no such column" and arm.outcome.details == "Traceback ..."


def lose(searcher: PlanSearcher, trial: str, folder: Path, error: Exception | str, **last: Any) -> list[str]:
    """A trial ends in an error, as Tune tells of it; returns what is shown."""
    said: list[str] = []
    text, pickled = folder / "error.txt", folder / "error.pkl"
    text.write_text(f"Failure # 1 (occurred at 12:00)\n{error}")
    pickled.write_bytes(cloudpickle.dumps(error))
    there = str(pickled) if isinstance(error, Exception) else None
    told = SimpleNamespace(trial_id=trial, error_file=str(text), pickled_error_file=there, last_result=last)
    searcher.on_trial_complete(trial_id=trial, error=True)
    Losses(searcher, said.append).on_trial_error(iteration=1, trials=[told], trial=told)
    return said


def test_a_lost_worker_gets_another_trial_and_then_is_a_failure(searcher: PlanSearcher, tmp_path: Path) -> None:
    first = searcher.suggest("a")
    assert (first["attempt"], first["halvings"]) == (1, 0)
    (said,) = lose(searcher, "a", tmp_path, ActorDiedError())
    assert said.startswith(f"tried again: {first['key']}  pretrain encoder: worker: WorkerDied")
    second = searcher.suggest("b")
    assert (second["key"], second["attempt"], second["halvings"]) == (first["key"], 2, 0)
    assert lose(searcher, "b", tmp_path, ActorDiedError()) == []
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None and (arm.outcome.status, arm.outcome.failure) == ("failed", "worker")
    assert arm.outcome.attempts == 2 and str(arm.outcome.reason).startswith("WorkerDied")


def test_only_want_of_memory_halves_the_micro_batch(searcher: PlanSearcher, tmp_path: Path) -> None:
    # A worker that was killed must end bit-equal to one that was not.
    searcher.suggest("a")
    error = StageFailedError("memory", "OutOfMemoryError: 17 GB", "Traceback")
    lose(searcher, "a", tmp_path, RayTaskError("train", "Traceback", error).as_instanceof_cause(), curve=[0.5])
    assert searcher.suggest("b")["halvings"] == 1
    lose(searcher, "b", tmp_path, ActorDiedError(), curve=[0.5, 0.6])
    assert searcher.suggest("c")["halvings"] == 1
    lose(searcher, "c", tmp_path, "1 worker(s) were killed due to the node running low on memory.", curve=[0.5])
    assert searcher.suggest("d")["halvings"] == 2


def test_a_dead_worker_that_left_its_stacks_was_a_hang(searcher: PlanSearcher, tmp_path: Path) -> None:
    key = searcher.suggest("a")["key"]
    report = searcher.board.store.place.hang(key)
    report.write_text("Timeout (0:30:00)!\nThread 0x7f (most recent call first):\n  in stuck")
    (said,) = lose(searcher, "a", tmp_path, ActorDiedError())
    assert said.endswith("hang: Hang: no progress in 0:30:00") and not report.exists()
    (attempt,) = searcher.board.store.attempts(key)
    assert (attempt.kind, "in stuck" in str(attempt.details)) == ("hang", True)
    searcher.suggest("b")
    report.write_text("")  # the next one was watched too, but something else ended it
    lose(searcher, "b", tmp_path, ActorDiedError())
    assert searcher.board.store.attempts(key)[-1].kind == "worker"


def test_a_worker_that_died_after_all_was_written_is_no_failure(searcher: PlanSearcher, tmp_path: Path) -> None:
    searcher.suggest("a")
    finish(searcher.board.store, searcher.trials["a"][1])
    assert lose(searcher, "a", tmp_path, ActorDiedError()) == []
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None and arm.outcome.status == "finished"


def test_progress_counts_what_is_done_reused_and_lost(room: Room) -> None:
    room.run(most=4)
    room.status = lambda stage: "error" if stage.task == "ccg" else "finished"
    board = room.run()
    found = counts(board)
    assert found["reused"] + found["done"] + found["failed"] + found["unreachable"] == found["planned"]
    assert found["failed"] == 6 and found["reused"] >= 1
    assert f"{found['planned']} of {found['planned']} stages" in line(board, 2, 0.0)
    assert "squad-en" in best_line(board) and "xnli-en" in best_line(board)


def test_time_left_is_named_while_something_is_left(room: Room) -> None:
    board = room.board()
    assert "left" not in line(board, 2, 0.0), "nothing is known yet"
    stage = board.next()
    assert stage is not None
    board.end(stage.key, board.store.write_stopped(stage, [0.5], steps=1, seconds=60.0))
    assert board.groups[f"pretrain.encoder.none.{stage.seed}"].arms[0].outcome is not None


def test_what_tune_pickles_can_be_pickled(room: Room) -> None:
    from rich.console import Console

    progress = Progress(room.board(), 2, Console())
    assert pickle.loads(pickle.dumps(progress)).slots == 2
    assert pickle.loads(pickle.dumps(Losses(PlanSearcher(room.board(), "{}", print), Console().print))).say is None
    assert TENTHS == 10
