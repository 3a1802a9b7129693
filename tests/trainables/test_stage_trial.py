"""What Tune's side makes of a stage: results, errors that stay, errors that end the process."""

import dataclasses
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from spaces.stage import TENTHS, Stage
from tests.tiny_stages import RECIPE, RETRIEVAL, target_stage
from trainables import stage_run, stage_start, stage_trial
from trainables.record import checkpoints
from trainables.record.checkpoints import read_state
from trainables.record.context import SCORES, StageContext, write_spec
from trainables.record.outcome import read_outcome
from trainables.retrieval import embeddings, neighbours
from trainables.stage_trial import StageTrial, context_to_json
from trainables.training import encoding, evaluation, fine_tuning, gpu_smoke
from trainables.worker import memory
from trainables.worker.failures import StageFailedError

TARGET = target_stage("udpos-en", {"udpos": ("en",)})
ONE_RETRIEVAL = dataclasses.replace(RETRIEVAL, targets={"tatoeba": ("qna",)})


def trial(context: StageContext, stage: Stage, **config: Any) -> StageTrial:
    """A trial without Tune around it."""
    write_spec(context, stage)
    stage_trial: StageTrial = object.__new__(StageTrial)
    stage_trial.config = {
        "key": stage.key,
        "context": context_to_json(context),
        "rungs": list(range(1, TENTHS)),
        "attempt": 1,
        "oom_retries": 0,
        "gpus": 0.0,
        "packed": False,
        "targets": [],
        "is_known": True,
        "hang_timeout": 60,
        "marker": None,
        "precision": "fp32",
        **config,
    }
    stage_trial.setup(stage_trial.config)
    return stage_trial


def reported_tenths(running: StageTrial) -> list[int]:
    """Run a trial to its end: the tenths whose ends Tune hears of."""
    tenths = []
    done = False
    while not done:
        result = running.step()
        tenths.append(len(result["curve"]))
        done = result["done"]
    running.cleanup()
    return tenths


def test_where_every_tenth_is_a_rung_a_step_is_a_tenth_and_leaves_no_watch(context: StageContext) -> None:
    assert reported_tenths(trial(context, TARGET)) == list(range(1, TENTHS + 1))
    assert not context.hang_path(TARGET.key).exists()


@pytest.mark.parametrize("rungs", [[], [3, 6]])
def test_a_step_goes_on_to_the_next_rung(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, rungs: list[int]
) -> None:
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 60.0)
    assert reported_tenths(trial(context, TARGET, rungs=rungs)) == [1, *rungs, TENTHS]


def test_a_long_stage_tells_of_every_tenth(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 0.0)
    assert reported_tenths(trial(context, TARGET, rungs=[])) == list(range(1, TENTHS + 1))


def tenth_on_disk(context: StageContext) -> int:
    state = read_state(context.results, context.folder_name(TARGET.key))
    return 0 if state is None else state.tenth


def test_a_stage_that_may_have_to_wait_at_a_rung_is_on_disk(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints.Checkpoints, "is_due", lambda *_: False)
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 60.0)
    running = trial(context, TARGET, rungs=[3, 6])
    on_disk = []
    while not (result := running.step())["done"]:
        on_disk.append((len(result["curve"]), tenth_on_disk(context), result["moved"]))
    running.cleanup()
    assert on_disk == [(1, 0, False), (3, 3, True), (6, 6, True)] and tenth_on_disk(context) == 0


def test_a_stage_is_on_disk_before_tune_stops_it_at_the_end_of_a_run(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints.Checkpoints, "is_due", lambda *_: False)
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 0.0)
    running = trial(context, TARGET, rungs=[])
    for tenth in (1, 2):
        assert len(running.step()["curve"]) == tenth and tenth_on_disk(context) == 0
    assert running.save().checkpoint is None and tenth_on_disk(context) == 2
    running.cleanup()
    again = trial(context, TARGET, rungs=[])
    result = again.step()
    again.cleanup()
    assert len(result["curve"]) == 3 and not result["moved"]


def test_a_stage_that_has_ended_leaves_no_state(context: StageContext) -> None:
    wild = dataclasses.replace(TARGET, learning_rate=1e30)  # it diverges, before its last tenth
    for stage in (TARGET, wild):
        running = trial(context, stage, rungs=[])
        while not running.step()["done"]:
            continue
        running.save()
        running.cleanup()
        assert read_state(context.results, context.folder_name(stage.key)) is None


def test_a_stage_that_an_earlier_run_began_tells_first_how_far_it_is(context: StageContext) -> None:
    for known, tenths in ((False, [1, 2]), (False, [2, 3]), (True, [4])):
        running = trial(context, TARGET, is_known=known)
        assert [len(running.step()["curve"]) for _ in tenths] == tenths
        running.save()
        running.cleanup()


def test_a_slot_without_a_stage_waits_and_keeps_its_worker() -> None:
    waiting: StageTrial = object.__new__(StageTrial)
    waiting.config = {"wait": 0.01}
    waiting.setup(waiting.config)
    assert waiting.step()["done"] and waiting.reset_config({})


def test_a_worker_starts_without_the_slow_imports() -> None:
    # Else it takes longer than short stages do, and Tune throws it away for a worker that got free: slots stay empty.
    code = "import sys, trainables.stage_trial; print(sys.modules.keys() & {'torch', 'transformers', 'datasets'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_error_that_would_come_again_is_a_result(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such column")

    monkeypatch.setattr(stage_start, "start_training", fail)
    running = trial(context, TARGET)
    result = running.step()
    running.cleanup()
    assert result["done"] and result["error"] == "ValueError: no such column"
    assert "in fail" in result["details"] and not context.hang_path(TARGET.key).exists()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionError("no answer"), "input"),
        (MemoryError("17 GB"), "memory"),
        (RuntimeError("CUDA error: unspecified launch failure"), "device"),
        (OSError(28, "No space left on device"), "storage"),
    ],
)
def test_any_other_error_ends_the_process(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(fine_tuning.FineTuning, "_update", fail)
    running = trial(context, TARGET)
    with pytest.raises(StageFailedError) as raised:
        running.step()
    running.cleanup()
    failure = raised.value.failure
    assert failure.kind.name == kind and str(error) in failure.reason and "in fail" in str(failure.details)


def test_after_want_of_memory_the_batch_is_the_same_in_smaller_parts(context: StageContext) -> None:
    running = trial(context, TARGET, attempt=2, oom_retries=1)
    sizes: set[tuple[int, int]] = set()
    for _ in range(TENTHS):
        running.step()
        assert running._run is not None and isinstance(running._run.training, fine_tuning.FineTuning)
        sizes.add((running._run.training.micro_batch, len(running._run.training.batches.batch_at(0)[1])))
    running.cleanup()
    outcome = read_outcome(context, TARGET.key)
    assert outcome is not None and outcome.attempts == 2
    assert sizes == {(4, 8)} and outcome.note == "memory ran out: 4 of 8 examples at a time"


def test_memory_is_measured_within_the_share_and_stays_with_the_outcome(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(gpu_smoke, "require_gpu", lambda: None)
    monkeypatch.setattr(memory, "limit_gpu_memory", shares.append)
    monkeypatch.setattr(stage_run.memory, "read_peak_memory", lambda: 123)
    running = trial(context, TARGET, gpus=0.5)
    assert {running.step()["memory"] for _ in range(TENTHS)} == {123}
    running.cleanup()
    outcome = read_outcome(context, TARGET.key)
    assert outcome is not None and (outcome.memory, outcome.device) == (123, "CPU")
    rows = pq.read_table(pa.BufferReader(context.results.read(context.file_name(TARGET.key, SCORES))))
    assert {*rows["device"].to_pylist()} == {"CPU"}
    assert shares == [0.5], "once, before the first tenth"


def test_a_trial_with_a_gpu_never_trains_on_the_cpu(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    running = trial(context, TARGET, gpus=1.0)
    with pytest.raises(StageFailedError, match="has a share of a GPU") as raised:
        running.step()
    running.cleanup()
    assert raised.value.failure.kind.name == "device" and read_outcome(context, TARGET.key) is None


@pytest.mark.parametrize(("packed", "sizes"), [(True, 1), (False, 4)])  # of 8, 4, 2 and 1 examples
def test_a_packed_stage_halves_nothing(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, packed: bool, sizes: int
) -> None:
    tried: list[int] = []

    def fail(training: fine_tuning.FineTuning, *_: object) -> None:
        tried.append(training.micro_batch)
        raise torch.OutOfMemoryError("made up")

    monkeypatch.setattr(fine_tuning.FineTuning, "_compute_gradients", fail)
    running = trial(context, TARGET, packed=packed)
    with pytest.raises(StageFailedError) as raised:
        running.step()
    running.cleanup()
    assert raised.value.failure.kind.name == "memory" and len(tried) == sizes


@pytest.mark.parametrize("oom_retries", [3, 4, 60])
def test_there_is_one_example_at_least(context: StageContext, oom_retries: int) -> None:
    running = trial(context, TARGET, oom_retries=oom_retries)
    running.step()
    assert running._run is not None and isinstance(running._run.training, fine_tuning.FineTuning)
    assert running._run.training.micro_batch == 1
    running.cleanup()


def test_whatever_takes_long_says_that_it_goes_on(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []
    slow = {"fine_tuning", "evaluation", "encoding", "embeddings", "neighbours"}
    for module in (fine_tuning, evaluation, encoding, embeddings, neighbours):
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setattr(module, "beat", lambda name=name: beats.append(name))
    monkeypatch.setattr(encoding, "_cache", type(encoding._cache)())
    for stage, steps in ((TARGET, TENTHS), (ONE_RETRIEVAL, 1)):
        running = trial(context, stage)
        for _ in range(steps):
            running.step()
        running.cleanup()
    assert set(beats) == slow and beats.count("fine_tuning") == RECIPE["steps"]
