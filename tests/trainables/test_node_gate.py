"""The gate of a node: what a worker finds out about its own machine, and what becomes of its stage."""

import dataclasses
import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.cluster.node_checks import leave_marker
from spaces import versions
from spaces.stage import Precision
from tests.tiny_stages import target_stage
from tests.trainables.test_stage_trial import trial
from trainables import node_gate, stage_trial
from trainables.node_gate import check_own_node
from trainables.record.context import StageContext
from trainables.record.node_facts import NodeFacts, UnfitNodeError, places_of
from trainables.record.outcome import read_outcome
from trainables.storage.local_storage import LocalStorage
from trainables.training import gpu_smoke
from trainables.training.gpu_smoke import GpuFaultError
from trainables.worker.failures import GPU_FAULT, INPUT, STORAGE, UNFIT_NODE, StageFailedError, classify

TARGET = target_stage("udpos-en", {"udpos": ("en",)})


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: nothing has passed."""
    monkeypatch.setattr(node_gate, "_passed", set())


def elsewhere(context: StageContext, folder: Path) -> StageContext:
    """The same request on a machine that has another folder at the path of the results."""
    return dataclasses.replace(context, results=LocalStorage(folder))


def check(context: StageContext, facts: NodeFacts, precision: Precision | None = None) -> None:
    assert facts.marker is not None
    check_own_node("n", places_of(context), facts.marker, precision)


def test_a_machine_that_has_everything_passes_and_leaves_nothing(context: StageContext) -> None:
    with leave_marker(context) as facts:
        before = {*context.results.list_sizes()}
        check(context, facts)
        assert {*context.results.list_sizes()} == before
    assert len(before) == len(context.results.list_sizes()) + 1, "the marker goes with the run"


def test_a_machine_with_results_of_its_own_is_unfit(context: StageContext, tmp_path: Path) -> None:
    with (
        leave_marker(context) as facts,
        pytest.raises(UnfitNodeError, match=r"^the results folder .* is not shared with node n\.[^;]*$"),
    ):
        check(elsewhere(context, tmp_path / "own"), facts)


def test_files_that_changed_are_told_and_new_ones_are_nobody_s_concern(context: StageContext, tmp_path: Path) -> None:
    model = tmp_path / "copy"
    shutil.copytree(str(context.model), model)
    context = dataclasses.replace(context, model=str(model))
    with leave_marker(context) as facts:
        (model / "more.txt").write_text("1")
        check(context, facts)
        node_gate._passed.clear()
        (model / "config.json").write_text("{}")
        with pytest.raises(UnfitNodeError, match=r"encoder .* has other contents \(1 files, such as config.json\)"):
            check(context, facts)


def test_a_machine_without_a_package_of_a_method_is_unfit_where_the_method_is_used(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = versions.read_version
    monkeypatch.setattr(versions, "read_version", lambda name: "not installed" if name == "peft" else read(name))
    with leave_marker(context) as facts:
        check(context, facts)
    context = dataclasses.replace(context, packages=("peft",))
    with leave_marker(context) as facts, pytest.raises(UnfitNodeError, match="node n has no peft"):
        check(context, facts)


def test_errors_on_the_way_are_those_of_a_stage(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, kind in (
        (OSError(errno.ENOSPC, "No space left on device"), STORAGE),
        (OSError("AWS Error SLOW_DOWN during PutObject"), INPUT),
        (PermissionError(errno.EACCES, "Permission denied"), UNFIT_NODE),
        (OSError(errno.EROFS, "Read-only file system"), UNFIT_NODE),
    ):

        def fail(*_: object, error: OSError = error) -> None:
            raise error

        with leave_marker(context) as facts, monkeypatch.context() as patch:
            patch.setattr(node_gate, "find_marker", fail)
            with pytest.raises(Exception) as raised:  # which one is asked next
                check(context, facts)
        assert classify(raised.value) is kind


def test_a_process_looks_once(context: StageContext, tmp_path: Path) -> None:
    with leave_marker(context) as facts:
        check(context, facts)
        check(elsewhere(context, tmp_path / "own"), facts)


@pytest.mark.parametrize("lack", ["it has no bf16.", None])
def test_a_gpu_is_tried_by_trials_that_have_one(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, lack: str | None
) -> None:
    asked: list[bool] = []

    def look(*, uses_bf16: bool) -> str | None:
        asked.append(uses_bf16)
        return lack

    monkeypatch.setattr(node_gate, "check_gpu", look)
    with leave_marker(context) as facts:
        check(context, facts)
        assert asked == []
        if lack is None:
            check(context, facts, "bf16")
        else:
            with pytest.raises(UnfitNodeError, match="node n: it has no bf16"):
                check(context, facts, "bf16")
        assert asked == [True]


def test_a_gpu_that_torch_does_not_see_is_a_lack_and_a_step_that_fails_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_smoke.torch.cuda, "is_available", lambda: False)
    assert "sees none" in str(gpu_smoke.check_gpu(uses_bf16=True))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of paper")

    monkeypatch.setattr(gpu_smoke, "require_gpu", lambda: None)
    monkeypatch.setattr(gpu_smoke, "run_step", fail)
    with pytest.raises(GpuFaultError, match="a step of training failed on the GPU: out of paper") as raised:
        gpu_smoke.check_gpu(uses_bf16=False)
    assert classify(raised.value) is GPU_FAULT


def test_a_gpu_that_fails_is_told_with_its_node(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*, uses_bf16: bool) -> None:
        raise GpuFaultError("a step of training failed on the GPU: out of paper")

    monkeypatch.setattr(node_gate, "check_gpu", fail)
    with leave_marker(context) as facts, pytest.raises(GpuFaultError, match=r"^node n: a step .* out of paper$"):
        check(context, facts, "bf16")


def test_a_stage_on_an_unfit_machine_tells_the_driver_which(
    context: StageContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SimpleNamespace(get_node_id=lambda: "0123456789abcdef")
    monkeypatch.setattr(stage_trial.ray, "get_runtime_context", lambda: own)
    with leave_marker(context) as facts:
        running = trial(elsewhere(context, tmp_path / "own"), TARGET, marker=facts.marker)
        with pytest.raises(StageFailedError, match=r"is not shared with node .*/012345") as raised:
            running.step()
        running.cleanup()
    failure = raised.value.failure
    assert (failure.kind.name, failure.details) == ("unfit-node", "0123456789abcdef")
    assert read_outcome(context, TARGET.key) is None
