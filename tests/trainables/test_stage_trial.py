"""What Tune's side makes of a stage: results, errors that stay, errors that end the process."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from safetensors.torch import load

from spaces.stage import TENTHS, Stage
from tests.tiny_stages import BASE, RECIPE
from trainables import stage_run, stage_trial
from trainables.record.context import CHECKPOINT, StageContext, write_spec
from trainables.record.outcome import read_outcome
from trainables.retrieval import embeddings, neighbours
from trainables.stage_trial import StageTrial, context_to_json
from trainables.training import encoding, evaluation, fine_tuning, gpu_share
from trainables.worker.failures import StageFailedError

TARGET = Stage(
    kind="target",
    task="udpos-en",
    learning_rate=1e-3,
    targets={"udpos": ("en",)},
    recipe=RECIPE,
    intermediate="none",
    **BASE,
)
RETRIEVAL = Stage(kind="retrieval", task="tatoeba", targets={"tatoeba": ("qna",)}, intermediate="none", **BASE)


def trial(place: StageContext, stage: Stage, **config: Any) -> StageTrial:
    """A trial without Tune around it."""
    write_spec(place, stage)
    made: StageTrial = object.__new__(StageTrial)
    made.config = {
        "key": stage.key,
        "context": context_to_json(place),
        "rungs": list(range(1, TENTHS)),
        "attempt": 1,
        "oom_retries": 0,
        "gpus": 0.0,
        "packed": False,
        "hang_timeout": 60,
        **config,
    }
    made.setup(made.config)
    return made


def told(one: StageTrial) -> list[int]:
    """Run a trial to its end: the tenths whose ends Tune hears of."""
    found = []
    done = False
    while not done:
        result = one.step()
        found.append(len(result["curve"]))
        done = result["done"]
    one.cleanup()
    return found


def test_where_every_tenth_is_a_rung_a_step_is_a_tenth_and_leaves_no_watch(place: StageContext) -> None:
    assert told(trial(place, TARGET)) == list(range(1, TENTHS + 1))
    assert not place.hang_path(TARGET.key).exists()


@pytest.mark.parametrize("rungs", [[], [3, 6]])
def test_a_step_goes_on_to_the_next_rung(
    place: StageContext, monkeypatch: pytest.MonkeyPatch, rungs: list[int]
) -> None:
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 60.0)
    assert told(trial(place, TARGET, rungs=rungs)) == [1, *rungs, TENTHS]


def test_a_long_stage_tells_of_every_tenth(place: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 0.0)
    assert told(trial(place, TARGET, rungs=[])) == list(range(1, TENTHS + 1))


def test_every_tenth_is_on_disk_before_the_next_one_begins(
    place: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    advance = fine_tuning.FineTuning.advance

    def look(work: fine_tuning.FineTuning) -> float:
        file = place.results.read(place.file_name(TARGET.key, CHECKPOINT))
        kept.append(0 if file is None else len(load(file)["run.curve"]))
        return advance(work)

    monkeypatch.setattr(stage_trial, "STEP_SECONDS", 60.0)
    monkeypatch.setattr(fine_tuning.FineTuning, "advance", look)
    told(trial(place, TARGET, rungs=[]))
    assert kept == list(range(TENTHS))


def test_a_slot_without_a_stage_waits_and_keeps_its_worker() -> None:
    one: StageTrial = object.__new__(StageTrial)
    one.config = {"wait": 0.01}
    one.setup(one.config)
    assert one.step()["done"] and one.reset_config({})


def test_a_worker_starts_without_the_slow_imports() -> None:
    # Else it takes longer than short stages do, and Tune throws it away for a worker that got free: slots stay empty.
    code = "import sys, trainables.stage_trial; print(sys.modules.keys() & {'torch', 'transformers', 'datasets'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_error_that_would_come_again_is_a_result(place: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such column")

    monkeypatch.setattr(stage_run, "start_training", fail)
    one = trial(place, TARGET)
    result = one.step()
    one.cleanup()
    assert result["done"] and result["error"] == "ValueError: no such column"
    assert "in fail" in result["details"] and not place.hang_path(TARGET.key).exists()


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
    place: StageContext, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(fine_tuning.FineTuning, "_update", fail)
    one = trial(place, TARGET)
    with pytest.raises(StageFailedError) as raised:
        one.step()
    one.cleanup()
    failure = raised.value.failure
    assert failure.kind.name == kind and str(error) in failure.reason and "in fail" in str(failure.details)


def test_after_want_of_memory_the_batch_is_the_same_in_smaller_parts(place: StageContext) -> None:
    one = trial(place, TARGET, attempt=2, oom_retries=1)
    sizes: set[tuple[int, int]] = set()
    for _ in range(TENTHS):
        one.step()
        assert one._run is not None and isinstance(one._run.training, fine_tuning.FineTuning)
        sizes.add((one._run.training.micro_batch, len(one._run.training.batches.batch_at(0)[1])))
    one.cleanup()
    outcome = read_outcome(place, TARGET.key)
    assert outcome is not None and outcome.attempts == 2
    assert sizes == {(4, 8)} and outcome.note == "memory ran out: 4 of 8 examples at a time"


def test_memory_is_measured_within_the_share_and_stays_with_the_outcome(
    place: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(gpu_share, "limit_gpu_memory", shares.append)
    monkeypatch.setattr(stage_run, "peak", lambda: 123)
    one = trial(place, TARGET, gpus=0.5)
    assert {one.step()["memory"] for _ in range(TENTHS)} == {123}
    one.cleanup()
    outcome = read_outcome(place, TARGET.key)
    assert outcome is not None and outcome.memory == 123
    assert shares == [0.5], "once, before the first tenth"


@pytest.mark.parametrize(("packed", "sizes"), [(True, 1), (False, 4)])  # of 8, 4, 2 and 1 examples
def test_a_packed_stage_halves_nothing(
    place: StageContext, monkeypatch: pytest.MonkeyPatch, packed: bool, sizes: int
) -> None:
    tried: list[int] = []

    def fail(work: fine_tuning.FineTuning, *_: object) -> None:
        tried.append(work.micro_batch)
        raise torch.OutOfMemoryError("made up")

    monkeypatch.setattr(fine_tuning.FineTuning, "_compute_gradients", fail)
    one = trial(place, TARGET, packed=packed)
    with pytest.raises(StageFailedError) as raised:
        one.step()
    one.cleanup()
    assert raised.value.failure.kind.name == "memory" and len(tried) == sizes


@pytest.mark.parametrize("oom_retries", [3, 4, 60])
def test_there_is_one_example_at_least(place: StageContext, oom_retries: int) -> None:
    one = trial(place, TARGET, oom_retries=oom_retries)
    one.step()
    assert one._run is not None and isinstance(one._run.training, fine_tuning.FineTuning)
    assert one._run.training.micro_batch == 1
    one.cleanup()


def test_whatever_takes_long_says_that_it_goes_on(place: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []
    slow = {"training", "evaluation", "encoded", "sentences", "neighbours"}
    for module in (fine_tuning, evaluation, encoding, embeddings, neighbours):
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setattr(module, "beat", lambda name=name: beats.append(name))
    monkeypatch.setattr(encoding, "_cache", type(encoding._cache)())
    for stage, steps in ((TARGET, TENTHS), (RETRIEVAL, 1)):
        one = trial(place, stage)
        for _ in range(steps):
            one.step()
        one.cleanup()
    assert set(beats) == slow and beats.count("training") == RECIPE["steps"]
