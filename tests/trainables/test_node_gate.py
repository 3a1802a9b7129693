"""The gate of a node: what a worker finds out about its own machine, and what becomes of its stage."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.cluster.node_checks import leave_marker
from tests.tiny_stages import target_stage
from tests.trainables.test_stage_trial import trial
from trainables import node_gate, stage_trial
from trainables.node_gate import check_own_node
from trainables.record.context import StageContext
from trainables.record.node_facts import NodeFacts, UnfitNodeError, places_of
from trainables.record.outcome import read_outcome
from trainables.storage.local_storage import LocalStorage
from trainables.training import gpu_smoke
from trainables.worker.failures import StageFailedError

TARGET = target_stage("udpos-en", {"udpos": ("en",)})


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: nothing has passed."""
    monkeypatch.setattr(node_gate, "_passed", set())


def as_json(facts: NodeFacts) -> str:
    return json.dumps(dataclasses.asdict(facts))


def elsewhere(context: StageContext, folder: Path) -> StageContext:
    """The same request on a machine that has another folder at the path of the results."""
    return dataclasses.replace(context, results=LocalStorage(folder))


def test_a_machine_that_has_everything_passes_and_leaves_nothing(context: StageContext) -> None:
    with leave_marker(context) as facts:
        before = {*context.results.list_sizes()}
        check_own_node("n", places_of(context), as_json(facts), None)
        assert {*context.results.list_sizes()} == before
    assert len(before) == len(context.results.list_sizes()) + 1, "the marker goes with the run"


def test_a_machine_with_results_of_its_own_is_unfit(context: StageContext, tmp_path: Path) -> None:
    with leave_marker(context) as facts:
        with pytest.raises(UnfitNodeError, match="is not shared with node n"):
            check_own_node("n", places_of(elsewhere(context, tmp_path / "own")), as_json(facts), None)
        with pytest.raises(UnfitNodeError, match=r"--model .* has other contents on node n"):
            check_own_node("n", places_of(context), as_json(dataclasses.replace(facts, model="other")), None)


def test_a_process_looks_once(context: StageContext, tmp_path: Path) -> None:
    with leave_marker(context) as facts:
        check_own_node("n", places_of(context), as_json(facts), None)
        check_own_node("n", places_of(elsewhere(context, tmp_path / "own")), as_json(facts), None)


@pytest.mark.parametrize("fault", ["it has no bf16.", None])
def test_a_gpu_is_tried_by_trials_that_have_one(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, fault: str | None
) -> None:
    asked: list[bool] = []

    def find(*, uses_bf16: bool) -> str | None:
        asked.append(uses_bf16)
        return fault

    monkeypatch.setattr(node_gate, "find_gpu_fault", find)
    with leave_marker(context) as facts:
        check_own_node("n", places_of(context), as_json(facts), None)
        assert asked == []
        if fault is None:
            check_own_node("n", places_of(context), as_json(facts), "bf16")
        else:
            with pytest.raises(UnfitNodeError, match="node n: it has no bf16"):
                check_own_node("n", places_of(context), as_json(facts), "bf16")
        assert asked == [True]


def test_a_gpu_that_torch_does_not_see_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_smoke.torch.cuda, "is_available", lambda: False)
    assert "sees none" in str(gpu_smoke.find_gpu_fault(uses_bf16=True))


def test_a_stage_on_an_unfit_machine_tells_the_driver_which(
    context: StageContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SimpleNamespace(get_node_id=lambda: "0123456789abcdef")
    monkeypatch.setattr(stage_trial.ray, "get_runtime_context", lambda: own)
    with leave_marker(context) as facts:
        running = trial(elsewhere(context, tmp_path / "own"), TARGET, node_facts=as_json(facts))
        with pytest.raises(StageFailedError, match=r"is not shared with node .*/012345") as raised:
            running.step()
        running.cleanup()
    failure = raised.value.failure
    assert (failure.kind.name, failure.details) == ("unfit-node", "0123456789abcdef")
    assert read_outcome(context, TARGET.key) is None
