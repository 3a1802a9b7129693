"""Packing seen from Tune's side: the configuration of trials, and the memory measured at their ends."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import cloudpickle
from ray.exceptions import RayTaskError
from ray.tune.search import Searcher

from search.driver import tuner
from search.driver.packing import GpuPacking, memory_class_of
from search.driver.searcher import PlanSearcher, WorkerLossCallback
from search.request.resources import Node
from tests.search.conftest import Room, finish
from trainables.record.outcome import write_outcome
from trainables.worker.failures import StageFailedError


def lack_memory(searcher: PlanSearcher, trial: str, folder: Path) -> str:
    """Let a trial's process end for lack of memory; returns the printed lines."""
    lines: list[str] = []
    error = StageFailedError("memory", "OutOfMemoryError: 17 GB", "Traceback")
    pickled = folder / "error.pkl"
    pickled.write_bytes(cloudpickle.dumps(RayTaskError("train", "Traceback", error).as_instanceof_cause()))
    tune_trial = SimpleNamespace(trial_id=trial, pickled_error_file=str(pickled), last_result={})
    searcher.on_trial_complete(trial_id=trial, error=True)
    losses = WorkerLossCallback(searcher, lines.append, lambda: False)
    losses.on_trial_error(iteration=1, trials=[tune_trial], trial=tune_trial)
    return " ".join(lines)


def test_a_packed_trial_that_lacks_memory_gets_a_whole_gpu_and_its_whole_batch(room: Room, tmp_path: Path) -> None:
    packing = GpuPacking(1, 16 * 2**30)
    searcher = PlanSearcher(room.board(), context_json="{}", on_change=lambda: None, packing=packing)
    stage = searcher.board.states["pretrain.encoder.none.0"].arms[0].stage
    packing.record_peak(stage, 2**30)
    first = searcher.suggest("a")
    assert (first["gpus"], first["packed"], first["oom_retries"]) == (0.25, True, 0)
    assert lack_memory(searcher, "a", tmp_path).endswith("packed: OutOfMemoryError: 17 GB")
    second = searcher.suggest("b")
    assert (second["key"], second["gpus"], second["packed"], second["oom_retries"]) == (first["key"], 1.0, False, 0)
    assert lack_memory(searcher, "b", tmp_path).endswith("memory: OutOfMemoryError: 17 GB")
    third = searcher.suggest("c")
    assert (third["gpus"], third["packed"], third["oom_retries"]) == (1.0, False, 1)


def test_what_a_trial_took_is_learnt_for_those_that_follow(room: Room) -> None:
    packing = GpuPacking(1, 16 * 2**30)
    searcher = PlanSearcher(room.board(), context_json="{}", on_change=lambda: None, packing=packing)
    shares_by_class: dict[tuple[str, str], list[float]] = {}
    number = 0
    while (config := searcher.suggest(f"t{number}")) != Searcher.FINISHED:
        stage = searcher.trials[f"t{number}"][1]
        shares_by_class.setdefault((stage.kind, stage.task), []).append(config["gpus"])
        assert config["gpus"] < 1 or searcher.suggest("more") is None, "the only GPU is taken"
        trial = SimpleNamespace(trial_id=f"t{number}")
        WorkerLossCallback(searcher, print, lambda: False).on_trial_start(iteration=1, trials=[trial], trial=trial)
        finish(searcher.board.store, stage)
        result = {"curve": [], "steps": 1, "seconds": 1.0, "memory": 2**30}
        searcher.on_trial_complete(trial_id=f"t{number}", result=result, error=False)
        number += 1
    assert searcher.board.is_complete and not packing.trials
    assert all(shares == [1.0] + [0.25] * (len(shares) - 1) for shares in shares_by_class.values())
    assert max(map(len, shares_by_class.values())) > 1


def test_a_continued_sweep_knows_what_its_stages_took_before(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    first = room.run(most=1)  # the encoder; all else waits for it
    (_, arm), *_ = first.iter_arms()
    assert arm.outcome is not None
    write_outcome(first.store.context, dataclasses.replace(arm.outcome, memory=5 * 2**30))
    monkeypatch.setattr(tuner, "list_alive_nodes", lambda: {"1": Node("a", 8, 2), "2": Node("b", 8, 1)})
    packing = tuner.make_packing(room.board(), 12, 16 * 2**30)
    assert packing.peak_by_class == {memory_class_of(arm.stage): 5 * 2**30} and packing.share_of(arm.stage, ()) == 0.5
    assert packing.gpu_count == 3
    assert tuner.make_packing(room.board(), 40, None).gpu_count == 10, "more than there are: some are to join"
