"""The memory that trials ask for: by parts that were measured, and what becomes of it on small machines."""

import dataclasses
from collections.abc import Sequence
from io import StringIO

import pytest
from rich.console import Console

from search.cost.host_memory import describe_memory, estimate_trial_memory, find_trial_memory
from search.driver import trial_memory
from search.driver.trial_memory import choose_trial_memory
from search.request.options import RunOptions, parse_options
from search.request.request import SweepRequest, make_request
from search.request.resources import Node
from spaces.encoders import DEFAULT_ENCODER, ENCODER_SHAPES, EncoderShape

E5 = EncoderShape(name="e5", layers=12, width=384, inner=1536, vocabulary=120_000)  # the one that was measured


@pytest.fixture(scope="module")
def request_() -> SweepRequest:
    return make_request(parse_options(["--space", "quick"]))


def choose(
    request: SweepRequest, slots: int, *free: float, to_come: Sequence[float] = (), **flags: object
) -> tuple[int, int, str]:
    """Bytes asked for, trials at once, and what is printed, on machines of eight CPUs with this free memory."""
    printed, patch = StringIO(), pytest.MonkeyPatch()
    nodes = {str(i): Node(str(i), 8, 0, memory) for i, memory in enumerate(free)}
    with patch.context() as context:
        context.setattr(trial_memory, "list_alive_nodes", lambda: nodes)
        context.setattr(
            trial_memory, "list_node_types", lambda: [(Node("kind", 8, 1, memory), 4) for memory in to_come]
        )
        options = RunOptions(**flags)  # type: ignore[arg-type]
        memory, left = choose_trial_memory(options, request, slots, Console(file=printed, width=500))
    return memory, left, printed.getvalue()


def test_a_measured_worker_is_predicted_on_the_safe_side(request_: SweepRequest) -> None:
    assert 2.8e9 <= estimate_trial_memory(request_, E5, uses_gpu=False) <= 3.6e9


def test_more_weights_take_more_and_a_gpu_holds_its_own(request_: SweepRequest) -> None:
    large = ENCODER_SHAPES[DEFAULT_ENCODER]
    on_cpu, on_gpu = (estimate_trial_memory(request_, large, uses_gpu=uses_gpu) for uses_gpu in (False, True))
    assert on_cpu > on_gpu > estimate_trial_memory(request_, E5, uses_gpu=True)
    deeper = dataclasses.replace(large, layers=48)
    assert estimate_trial_memory(request_, deeper, uses_gpu=True) - on_gpu == 4 * 4 * (
        deeper.parameters - large.parameters
    )


def test_the_flag_decides(request_: SweepRequest) -> None:
    assert find_trial_memory(request_, RunOptions(memory_per_trial=1.5)) == 1_500_000_000
    assert describe_memory(request_, RunOptions(memory_per_trial=1.5), 2) == [
        "memory of the host: at most 1.5 GB a trial, 2 at once 3 GB"
    ]
    assert describe_memory(request_, RunOptions(memory_per_trial=0), 2) == []
    assert choose(request_, 8, 4e9, memory_per_trial=0) == (0, 8, "")


def test_as_many_trials_as_the_memory_holds(request_: SweepRequest) -> None:
    assert choose(request_, 8, 16e9, memory_per_trial=2) == (2_000_000_000, 8, "")
    memory, slots, line = choose(request_, 8, 7e9, memory_per_trial=2)
    assert (memory, slots) == (2_000_000_000, 3)
    assert line.startswith("note: a trial may take 2 GB of memory, and this machine has 7 GB free: 3 of 8 trials")


def test_a_trial_that_may_be_too_large_is_tried_alone(request_: SweepRequest) -> None:
    memory, slots, line = choose(request_, 8, 1e9, memory_per_trial=2)
    assert (memory, slots) == (1_000_000_000, 1) and "has 1 GB free: 1 of 8" in line


def test_on_a_cluster_nodes_that_are_there_or_may_come_count(request_: SweepRequest) -> None:
    memory, slots, line = choose(request_, 8, 3e9, 7e9, memory_per_trial=2, address="auto")
    assert (memory, slots) == (2_000_000_000, 4) and "the largest node has 7 GB free: 4 of 8 trials" in line
    more = choose(request_, 8, 3e9, 7e9, memory_per_trial=2, address="auto", max_concurrent=8)
    assert more == (2_000_000_000, 8, ""), "nodes may join"
    assert choose(request_, 8, 3e9, to_come=[4e9], memory_per_trial=2, address="auto")[:2] == (2_000_000_000, 8)
    assert choose(request_, 8, 3e9, to_come=[0.0], memory_per_trial=2, address="auto") == (0, 8, ""), "would never come"


def test_a_head_that_can_hold_no_trial_does_not_say_how_large_one_may_be(
    request_: SweepRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {"head": Node("head", 4, 0, 500e9), "gpu": Node("gpu", 8, 1, 32e9)}
    monkeypatch.setattr(trial_memory, "list_alive_nodes", lambda: nodes)
    printed = StringIO()
    options = RunOptions(memory_per_trial=40, gpus_per_trial=1.0, address="auto")
    assert choose_trial_memory(options, request_, 1, Console(file=printed, width=500)) == (32_000_000_000, 1)
    assert "a trial may take 40 GB of memory, and the largest node has 32 GB free" in printed.getvalue()


def test_where_the_memory_is_unknown_none_is_asked_for(request_: SweepRequest) -> None:
    assert choose(request_, 8, 0.0, memory_per_trial=2) == (0, 8, "")
