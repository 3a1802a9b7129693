"""Tune's side of the board: what it is handed, when it must wait, what becomes of a trial's end."""

import pickle
from typing import Any

import pytest
from ray.tune.search import Searcher

from search.progress import Progress, best_line, counts, line
from search.searcher import PlanSearcher
from spaces.stage import TENTHS

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


def test_the_configuration_holds_scalars_only(searcher: PlanSearcher) -> None:
    assert all(isinstance(value, str | int | float) for value in searcher.suggest("a").values())


def test_a_trial_that_the_scheduler_stopped_is_censored(searcher: PlanSearcher, room: Room) -> None:
    searcher.suggest("a")
    end(searcher, "a", curve=[0.1, 0.2, 0.3], steps=30, seconds=2.0)
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None
    assert (arm.outcome.status, arm.outcome.tenth, arm.outcome.steps) == ("stopped", 3, 30)


def test_an_error_in_a_stage_is_recorded_with_type_and_message(searcher: PlanSearcher) -> None:
    searcher.suggest("a")
    end(searcher, "a", error="ValueError: no such column", details="Traceback ...")
    (_, arm), *_ = searcher.board.arms()
    assert arm.outcome is not None and arm.outcome.status == "failed"
    assert arm.outcome.reason == "ValueError: no such column" and arm.outcome.details == "Traceback ..."


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
    assert TENTHS == 10
