"""What is said of GPUs before a sweep, from made-up facts; the step itself is tried on the CPU."""

from collections.abc import Sequence
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from search.cluster import gpu_checks, start_checks
from search.cluster.gpu_checks import GpuReport, check_gpus, find_gpu_problems
from search.cluster.start_checks import check_all_gpus
from search.request.flag_values import AUTO
from search.request.options import RunOptions
from search.request.resources import Node
from spaces.errors import UsageError
from spaces.stage import Precision
from trainables.training import gpu_smoke
from trainables.training.gpu_smoke import GpuFacts, NoGpuError, collect_gpu_facts, require_gpu, run_step
from trainables.worker.failures import DEVICE, classify

GIB = 2**30


def gpu(name: str = "H200", *, memory: int = 141, has_bf16: bool = True, **changes: Any) -> GpuFacts:
    capability = "9.0" if has_bf16 else "7.5"
    known = {"driver": "570.1", "compute_mode": "Default", "fault": None, **changes}
    return GpuFacts(name=name, memory=memory * GIB, capability=capability, has_bf16=has_bf16, **known)


@pytest.mark.parametrize(
    ("facts", "precision", "is_shared", "says"),
    [
        (gpu(), "bf16", True, None),
        (gpu(driver=None, compute_mode=None), "bf16", True, None),
        (gpu("T4", has_bf16=False), "bf16", False, "node n: T4 (capability 7.5) has no bf16. Give --precision fp32."),
        (gpu("T4", has_bf16=False), "fp32", False, None),
        (gpu(fault="CUDA error: no kernel image is available"), "fp32", False, "failed: CUDA error: no kernel image"),
        (
            gpu(compute_mode="Exclusive_Process"),
            "bf16",
            True,
            "takes one process only (compute mode Exclusive_Process)",
        ),
        (gpu(compute_mode="Exclusive_Process"), "bf16", False, None),
    ],
)
def test_what_would_fail_later_is_told_before(
    facts: GpuFacts, precision: Precision, is_shared: bool, says: str | None
) -> None:
    problems = find_gpu_problems("n", facts, precision, is_shared=is_shared)
    assert [says in problem for problem in problems if says] == ([] if says is None else [True])
    assert bool(problems) is (says is not None)


def test_a_report_names_each_kind_of_gpu_once() -> None:
    report = GpuReport([gpu(), gpu(), gpu("A100", memory=80)], [], ["b"])
    lines = report.describe()
    assert lines[0] == "GPU: H200, 141 GiB, capability 9.0, driver 570.1 (2 of them)."
    assert "A100, 80 GiB" in lines[1] and "do not compare" in lines[2] and "node b was busy" in lines[3]
    assert report.smallest_memory is None, "the busy one may be smaller"
    assert GpuReport([gpu(), gpu("A100", memory=80)], [], []).smallest_memory == 80 * GIB
    assert GpuReport([], [], []).smallest_memory is None


def test_every_gpu_of_every_node_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {"1": Node("a", 8, 2), "2": Node("b", 8, 0), "3": Node("c", 8, 1)}
    tried: list[str] = []

    def run(function: Any, calls: Sequence[tuple[str, tuple[Any, ...]]], *_: Any, **options: Any) -> Any:
        assert options["num_gpus"] == 1, "as a trial would see it"
        tried.extend(key for key, _ in calls)
        return [(key, gpu(has_bf16=key != "3")) for key, _ in calls], [], []

    monkeypatch.setattr(gpu_checks, "run_on_nodes", run)
    report = check_gpus(nodes, "bf16", is_shared=False)
    assert tried == ["1", "1", "3"] and len(report.problems) == 1 and "node c" in report.problems[0]


@pytest.mark.parametrize("uses_bf16", [False, True])
def test_the_step_is_one_of_training(uses_bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run_step(torch.device("cpu"), uses_bf16=uses_bf16)
    spoiled = torch.tensor(float("nan"))
    monkeypatch.setattr(gpu_smoke, "scaled_dot_product_attention", lambda states, *_, **__: states * spoiled)
    with pytest.raises(FloatingPointError, match="not finite"):
        run_step(torch.device("cpu"), uses_bf16=uses_bf16)


def test_without_a_gpu_there_are_no_facts_but_a_failure_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpuError, match=r"the trial has a share of a GPU, but torch \S+ \(.+\) sees none") as error:
        collect_gpu_facts(uses_bf16=True)
    assert classify(error.value) is DEVICE
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    require_gpu()


def test_a_sweep_starts_on_gpus_that_passed_and_says_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    request: Any = SimpleNamespace(maker=SimpleNamespace(precision="bf16"))
    screen = StringIO()
    found = GpuReport([gpu()], [], [])
    asked: list[bool] = []

    def check(nodes: object, precision: Precision, *, is_shared: bool) -> GpuReport:
        asked.append(is_shared)
        return found

    monkeypatch.setattr(start_checks, "list_alive_nodes", dict)
    monkeypatch.setattr(gpu_checks, "check_gpus", check)
    assert check_all_gpus(RunOptions(), request, Console(file=screen)) is None and not asked
    for gpus in (1.0, 0.5, AUTO):
        assert check_all_gpus(RunOptions(gpus_per_trial=gpus), request, Console(file=screen)) is found
    assert asked == [False, True, True] and screen.getvalue().count("GPU: H200, 141 GiB") == 3
    found = GpuReport([gpu()], ["node a: one.", "node b: two."], [])
    with pytest.raises(UsageError, match=r"node a: one\.\nnode b: two\."):
        check_all_gpus(RunOptions(gpus_per_trial=1.0), request, Console(file=screen))


def test_real_encoders_on_the_cpu_beside_idle_gpus_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    request: Any = None
    for nodes, benchmark, says in (
        ({"1": Node("a", 8, 2), "2": Node("b", 8, 4)}, "xtreme", "note: GPUs here: 6, and no trial uses one."),
        ({"1": Node("a", 8, 2)}, "miniature", ""),  # its encoder is faster on a CPU
        ({"1": Node("a", 8, 0)}, "xtreme", ""),
    ):
        screen = StringIO()
        monkeypatch.setattr(start_checks, "list_alive_nodes", lambda nodes=nodes: nodes)
        assert check_all_gpus(RunOptions(benchmark=benchmark), request, Console(file=screen)) is None
        assert screen.getvalue().startswith(says) and bool(screen.getvalue()) is bool(says)
