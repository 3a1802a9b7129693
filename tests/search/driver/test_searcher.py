"""Tune's side of the board: the trials it gets, waits, and the ends of trials."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import cloudpickle
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayTaskError
from ray.tune.search import Searcher
from rich.console import Console

from search.driver import searcher as searcher_module
from search.driver.early_stopping import EarlyStopping
from search.driver.progress import ProgressCallback
from search.driver.searcher import PlanSearcher, WorkerLossCallback
from search.driver.status_writer import StatusWriter
from search.driver.tuner import place_trial
from search.process import signals
from search.request.resources import ResourceRequest
from spaces.halving import Verdict
from spaces.stage import TENTHS
from tests.search.conftest import Room, finish
from trainables.storage.local_storage import LocalStorage
from trainables.worker.failures import StageFailedError


@pytest.fixture
def searcher(room: Room) -> PlanSearcher:
    return PlanSearcher(room.board(), context_json="{}", on_change=lambda: None)


def end(searcher: PlanSearcher, trial: str, **result: Any) -> None:
    # Tune calls by keyword.
    searcher.on_trial_complete(trial_id=trial, result={"curve": [], "steps": 1, "seconds": 1.0, **result}, error=False)


def test_it_waits_for_a_parent_and_ends_when_nothing_is_left(searcher: PlanSearcher) -> None:
    first = searcher.suggest("a")
    assert set(first) >= {"key", "stratum", "context"} and first["stratum"].startswith("pretrain")
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
    assert searcher.board.is_complete
    assert searcher.suggest("again") == Searcher.FINISHED


def test_slots_without_a_stage_wait_and_keep_their_workers(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher_module, "MAX_WAIT_TRIALS", 4)
    searcher = PlanSearcher(room.board(), context_json="{}", on_change=lambda: None, use_wait_trials=True)
    searcher.suggest("a")
    configs = [searcher.suggest(f"w{number}") for number in range(5)]
    assert [sorted(config) for config in configs[:4]] == [["gpus", "wait"]] * 4 and configs[4] is None
    waits = [config["wait"] for config in configs[:4]]
    assert waits[0] < 1 and waits == sorted(waits) and waits[3] > waits[0], "the more trials wait, the longer each"
    searcher.on_trial_complete(trial_id="w0", result={"curve": []}, error=False)
    searcher.on_trial_complete(trial_id="w1", error=True)
    WorkerLossCallback(searcher, print, lambda: False).on_trial_error(0, [], SimpleNamespace(trial_id="w1"))
    assert "wait" in searcher.suggest("w5") and len(searcher.wait_trials) == 3
    finish(searcher.board.store, searcher.trials["a"][1])
    end(searcher, "a")
    assert "key" in searcher.suggest("b")


def test_the_configuration_holds_scalars_only(searcher: PlanSearcher) -> None:
    config = searcher.suggest("a")
    assert [config.pop(name) for name in ("rungs", "targets", "kept_out")] == [[]] * 3
    assert config.pop("marker") is None, "this is the only node"
    assert all(isinstance(value, str | int | float) for value in config.values())


def begun(room: Room, scheduler: str) -> tuple[PlanSearcher, EarlyStopping, str]:
    """Return a searcher that has begun the first stratum with competing arms, its early stopping, and the stratum."""
    room.run(most=1)
    room.stop_early(scheduler)
    assert room.early_stopping is not None
    searcher = PlanSearcher(room.board(), context_json="{}", on_change=lambda: None)
    config = searcher.suggest("a")
    assert config["rungs"] == list(room.early_stopping.rule.rungs)
    return searcher, room.early_stopping, config["stratum"]


def test_a_trial_that_the_scheduler_stopped_is_censored(room: Room) -> None:
    searcher, early_stopping, stratum = begun(room, "asha")
    early_stopping.report(stratum, searcher.board.states[stratum].arms[1].stage.key, [0.9] * 3)
    # The driver was killed before it heard of tenth 3, and the resumed stage trained tenth 4 before it could be judged.
    key, curve = searcher.trials["a"][1].key, [0.1] * 4
    assert early_stopping.report(stratum, key, curve) is Verdict.STOP
    end(searcher, "a", curve=curve, steps=40, seconds=2.0)
    outcome = searcher.board.store.load_outcome(key)
    assert outcome is not None and outcome.status == "stopped"
    assert (outcome.curve, outcome.tenth) == ((0.1, 0.1, 0.1), 3)
    stage = next(arm.stage for _, arm in searcher.board.iter_arms() if arm.stage.key == key)
    assert stage.recipe is not None and outcome.steps == stage.recipe["steps"] * 3 // 10, "as if it had ended there"


def test_a_stage_that_waits_is_handed_out_again_when_its_rung_is_decided(room: Room) -> None:
    searcher, early_stopping, stratum = begun(room, "halving")
    keys = [searcher.trials["a"][1].key]
    for trial, score in (("a", 0.5), ("b", 0.6)):
        if trial != "a":
            keys.append(searcher.suggest(trial)["key"])
        assert early_stopping.report(stratum, keys[-1], [score] * 4) is Verdict.WAIT
        end(searcher, trial, curve=[score] * 4, steps=30, seconds=1.0)
    last = searcher.suggest("c")
    assert last["stratum"] == stratum and last["key"] not in keys
    assert searcher.suggest("elsewhere")["stratum"] != stratum, "those that wait hold no slot"
    assert early_stopping.report(stratum, last["key"], [0.7] * 4) is Verdict.GO
    searcher.on_trial_result("c", {"curve": [0.7] * 4})
    assert searcher.suggest("b again")["key"] == keys[1]
    assert searcher.board.store.load_outcome(keys[0]).status == "stopped"  # type: ignore[union-attr]


def test_a_trial_that_ended_with_its_tenth_is_left_for_the_next_start(
    searcher: PlanSearcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = searcher.suggest("a")["key"]
    monkeypatch.setattr(signals, "is_stop_requested", lambda: True)
    end(searcher, "a", curve=[0.1], steps=10)
    assert searcher.board.store.load_outcome(key) is None and not searcher.board.running
    assert searcher.suggest("b") == Searcher.FINISHED


def test_an_error_in_a_stage_is_recorded_with_type_and_message(searcher: PlanSearcher) -> None:
    searcher.suggest("a")
    end(searcher, "a", error="ValueError: no such column", details="Traceback ...")
    (_, arm), *_ = searcher.board.iter_arms()
    assert arm.outcome is not None and arm.outcome.status == "failed"
    assert arm.outcome.reason == "ValueError: no such column" and arm.outcome.details == "Traceback ..."


def lose(
    searcher: PlanSearcher, trial: str, folder: Path, error: Exception | str, *, silent: bool = False, **last: Any
) -> list[str]:
    """Let a trial end in an error, as Tune reports it; returns the printed lines. `silent`: a node does not answer."""
    lines: list[str] = []
    text, pickled = folder / "error.txt", folder / "error.pkl"
    text.write_text(f"Failure # 1 (occurred at 12:00)\n{error}")
    pickled.write_bytes(cloudpickle.dumps(error))
    file = str(pickled) if isinstance(error, Exception) else None
    tune_trial = SimpleNamespace(trial_id=trial, error_file=str(text), pickled_error_file=file, last_result=last)
    searcher.on_trial_complete(trial_id=trial, error=True)
    losses = WorkerLossCallback(searcher, lines.append, lambda: silent)
    losses.on_trial_error(iteration=1, trials=[tune_trial], trial=tune_trial)
    return lines


def test_a_lost_worker_gets_another_trial_and_then_is_a_failure(searcher: PlanSearcher, tmp_path: Path) -> None:
    first = searcher.suggest("a")
    assert (first["attempt"], first["oom_retries"]) == (1, 0)
    (line,) = lose(searcher, "a", tmp_path, ActorDiedError())
    assert line.startswith(f"tried again: {first['key']}  pretrain encoder: worker: WorkerDied")
    second = searcher.suggest("b")
    assert (second["key"], second["attempt"], second["oom_retries"]) == (first["key"], 2, 0)
    assert lose(searcher, "b", tmp_path, ActorDiedError()) == []
    (_, arm), *_ = searcher.board.iter_arms()
    assert arm.outcome is not None and (arm.outcome.status, arm.outcome.failure) == ("failed", "worker")
    assert arm.outcome.attempts == 2 and str(arm.outcome.reason).startswith("WorkerDied")


def test_only_want_of_memory_halves_the_micro_batch(searcher: PlanSearcher, tmp_path: Path) -> None:
    # A worker that was killed must end bit-equal to one that was not.
    searcher.suggest("a")
    error = StageFailedError("memory", "OutOfMemoryError: 17 GB", "Traceback")
    lose(searcher, "a", tmp_path, RayTaskError("train", "Traceback", error).as_instanceof_cause(), moved=True)
    assert searcher.suggest("b")["oom_retries"] == 1
    lose(searcher, "b", tmp_path, ActorDiedError(), moved=True)
    assert searcher.suggest("c")["oom_retries"] == 1
    lose(searcher, "c", tmp_path, "1 worker(s) were killed due to the node running low on memory.", moved=True)
    assert searcher.suggest("d")["oom_retries"] == 1, "the machine's memory, not the GPU's"


def test_a_worker_whose_machine_does_not_answer_uses_up_no_try(searcher: PlanSearcher, tmp_path: Path) -> None:
    key = searcher.suggest("a")["key"]
    gone = "RpcError: RPC error: Socket closed rpc_code: 14."  # Ray does not yet know that the node is lost
    for trial, following in zip("abc", "bcd", strict=True):
        (line,) = lose(searcher, trial, tmp_path, ActorUnavailableError(gone, None), silent=True)
        assert line.startswith(f"tried again: {key}") and "node: " in line
        assert searcher.suggest(following)["key"] == key
    error = StageFailedError("error", "ValueError: no such column", "Traceback")
    lose(searcher, "d", tmp_path, RayTaskError("train", "Traceback", error).as_instanceof_cause(), silent=True)
    assert [attempt.kind for attempt in searcher.board.store.load_attempts(key)] == ["node"] * 3 + ["error"]


def test_an_unfit_node_gets_no_more_stages_and_uses_up_no_try(searcher: PlanSearcher, tmp_path: Path) -> None:
    first = searcher.suggest("a")
    assert first["kept_out"] == []
    error = StageFailedError("unfit-node", "the results folder is not shared with node n.", "node-id")
    lost = RayTaskError("train", "Traceback", error).as_instanceof_cause()
    (line,) = lose(searcher, "a", tmp_path, lost)
    assert line == "kept out: the results folder is not shared with node n. Stages run on other nodes."
    for number in range(12):  # workers that were placed before the driver knew
        again = searcher.suggest(f"b{number}")
        assert (again["key"], again["kept_out"]) == (first["key"], ["node-id"])
        assert lose(searcher, f"b{number}", tmp_path, lost) == [], "said once"
    assert searcher.suggest("c")["key"] == first["key"] and not searcher.board.store.load_attempts(first["key"])


def test_a_node_whose_gpu_fails_twice_before_a_stage_is_kept_out(searcher: PlanSearcher, tmp_path: Path) -> None:
    def fail(trial: str, node: str) -> list[str]:
        error = StageFailedError("gpu-fault", f"node {node}: a step of training failed on the GPU: x", node)
        return lose(searcher, trial, tmp_path, RayTaskError("train", "Traceback", error).as_instanceof_cause())

    key = searcher.suggest("a")["key"]
    assert fail("a", "n")[0].startswith(f"tried again: {key}")
    assert searcher.suggest("b")["kept_out"] == []
    assert fail("b", "m")[0].startswith("tried again: "), "another node's first failure"
    searcher.suggest("c")
    assert fail("c", "n")[0].startswith("kept out: node n: ")
    assert searcher.suggest("d")["kept_out"] == ["n"] and not searcher.board.store.load_attempts(key)


def test_a_stage_stopped_on_a_leaving_node_is_handed_out_again_from_its_tenth(searcher: PlanSearcher) -> None:
    key = searcher.suggest("a")["key"]
    end(searcher, "a", curve=[0.1], steps=10, node="n")
    searcher.kept_out.add("n")
    again = searcher.suggest("b")
    assert (again["key"], again["kept_out"], again["attempt"]) == (key, ["n"], 1)


def test_a_trial_is_placed_on_any_node_but_those_kept_out() -> None:
    resources = ResourceRequest(2, 1.0)
    anywhere = place_trial(resources, {"gpus": 0.5, "kept_out": []})
    assert anywhere.bundles == [{"CPU": 2, "GPU": 0.5}] and anywhere == place_trial(resources, {"gpus": 0.5})
    assert place_trial(ResourceRequest(2, 0, memory=5), {"gpus": 0}).bundles == [{"CPU": 2, "memory": 5}]
    elsewhere = place_trial(resources, {"gpus": 0.5, "kept_out": ["a", "b"]})
    assert elsewhere != anywhere, "a worker on an unfit node is not used again"
    selectors = elsewhere._bound.arguments["bundle_label_selector"]
    assert selectors == [{"ray.io/node-id": "!in(a,b)"}]


def test_a_dead_worker_that_left_its_stacks_was_a_hang(searcher: PlanSearcher, tmp_path: Path) -> None:
    key = searcher.suggest("a")["key"]
    report = searcher.board.store.context.hang_path(key)
    report.write_text("Timeout (0:30:00)!\nThread 0x7f (most recent call first):\n  in stuck")
    (line,) = lose(searcher, "a", tmp_path, ActorDiedError())
    assert line.endswith("hang: Hang: no progress in 0:30:00") and not report.exists()
    (attempt,) = searcher.board.store.load_attempts(key)
    assert (attempt.kind, "in stuck" in str(attempt.details)) == ("hang", True)
    searcher.suggest("b")
    report.write_text("")  # the next one was watched too, but something else ended it
    lose(searcher, "b", tmp_path, ActorDiedError())
    assert searcher.board.store.load_attempts(key)[-1].kind == "worker"


def test_a_worker_that_died_after_all_was_written_is_no_failure(searcher: PlanSearcher, tmp_path: Path) -> None:
    searcher.suggest("a")
    finish(searcher.board.store, searcher.trials["a"][1])
    assert lose(searcher, "a", tmp_path, ActorDiedError()) == []
    (_, arm), *_ = searcher.board.iter_arms()
    assert arm.outcome is not None and arm.outcome.status == "finished"


def test_what_tune_pickles_can_be_pickled(room: Room) -> None:
    console = Console()
    writer = StatusWriter(LocalStorage(room.results), "s", 2, console.print)
    progress = ProgressCallback(room.board(), 2, console, writer)
    assert pickle.loads(pickle.dumps(progress)).slots == 2
    losses = WorkerLossCallback(PlanSearcher(room.board(), "{}", print), console.print, lambda: False)
    assert pickle.loads(pickle.dumps(losses)).print_line is None
    assert TENTHS == 10
