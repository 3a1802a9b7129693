"""How many trials fit, on made-up machines."""

from typing import Literal

import pytest

from search.request import resources
from search.request.flag_values import AUTO
from search.request.options import RunOptions
from search.request.resources import (
    Node,
    ResourceRequest,
    count_cluster_slots,
    count_fitting_trials,
    count_local_slots,
    count_mig_parts,
    resource_request_of,
)
from spaces.errors import UsageError


def flags(
    cpus: int = 1, gpus: float | Literal["auto"] = 0.0, most: int | None = None, address: str | None = "here:1"
) -> RunOptions:
    return RunOptions(cpus_per_trial=cpus, gpus_per_trial=gpus, max_concurrent=most, address=address)


@pytest.mark.parametrize(
    ("request_", "node", "trials"),
    [
        (ResourceRequest(1, 0), Node("n", 8, 0), 8),
        (ResourceRequest(3, 0), Node("n", 8, 0), 2),
        (ResourceRequest(1, 1), Node("n", 8, 4), 4),
        (ResourceRequest(4, 1), Node("n", 8, 4), 2),
        (ResourceRequest(1, 0.5), Node("n", 8, 2), 4),
        (ResourceRequest(1, 0.4), Node("n", 8, 2), 4),  # 0.2 of each GPU are left, which make no third share
        (ResourceRequest(1, 0.1), Node("n", 80, 1), 10),
        (ResourceRequest(1, 0.5), Node("n", 8, 0), 0),
        (ResourceRequest(9, 0), Node("n", 8, 0), 0),
        (ResourceRequest(1, 0, memory=3 * 10**9), Node("n", 8, 0, 7e9), 2),
        (ResourceRequest(1, 0, memory=3 * 10**9), Node("unknown", 8, 0), 8),
    ],
    ids=str,
)
def test_trials_on_a_node(request_: ResourceRequest, node: Node, trials: int) -> None:
    assert count_fitting_trials(request_, node) == trials


def test_a_trial_cannot_be_spread_over_nodes() -> None:
    nodes = [Node("a", 4, 1), Node("b", 4, 1)]
    assert count_cluster_slots(flags(3, 1), nodes) == 2
    with pytest.raises(UsageError, match="no node of the cluster is large enough for a trial of 5 CPUs and 1 GPU "):
        count_cluster_slots(flags(5, 1), nodes)
    with pytest.raises(UsageError, match="there are 2 with 4 CPUs and 1 GPUs"):
        count_cluster_slots(flags(8), nodes)


def test_nodes_that_may_come_count() -> None:
    head, kind = Node("head", 4, 0), Node("gpu", 8, 1)
    with pytest.raises(UsageError):
        count_cluster_slots(flags(1, 1), [head])
    assert count_cluster_slots(flags(1, 1), [head], [(kind, 4)]) == 4
    with pytest.raises(UsageError):
        count_cluster_slots(flags(9, 1), [head], [(kind, 4)])


def test_more_at_once_than_fit_leave_room_for_nodes_that_join() -> None:
    assert count_cluster_slots(flags(most=6), [Node("a", 2, 0)]) == 6
    assert count_cluster_slots(flags(most=1), [Node("a", 2, 0)]) == 1


@pytest.mark.parametrize("gpus", [1.5, 2, 8, 0.001])
def test_a_share_that_no_trial_can_use_is_refused(gpus: float) -> None:
    with pytest.raises(UsageError, match=f"--gpus-per-trial {gpus:g}"):
        resource_request_of(flags(gpus=gpus))


def test_more_than_this_machine_has_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--cpus-per-trial 4096: this machine has \d+ CPUs"):
        count_local_slots(flags(4096, address=None))
    assert count_local_slots(flags(1, most=1, address=None)) == 1


def test_measured_shares_leave_room_for_four_on_each_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_cluster_slots(flags(1, AUTO), [Node("a", 16, 2), Node("b", 2, 1)]) == 8 + 2  # each needs its CPU, too
    assert count_cluster_slots(flags(1, AUTO), [], [(Node("kind", 8, 1), 3)]) == 12
    with pytest.raises(UsageError, match="no node of the cluster is large enough for a trial of 1 CPU and 1 GPU "):
        count_cluster_slots(flags(1, AUTO), [Node("a", 16, 0)])
    monkeypatch.setattr(resources, "_count_local_gpus", lambda: 0)
    with pytest.raises(UsageError, match=r"--gpus-per-trial auto: this machine has no GPU\. Without the flag"):
        count_local_slots(flags(1, AUTO, address=None))
    monkeypatch.setattr(resources, "_count_local_gpus", lambda: 1)
    monkeypatch.setattr(resources, "count_local_cpus", lambda: 8)
    assert count_local_slots(flags(1, AUTO, address=None)) == 4
    assert count_local_slots(flags(1, AUTO, most=3, address=None)) == 3


def test_parts_of_a_divided_gpu_are_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-11,MIG-22, MIG-33")
    monkeypatch.setattr(resources, "count_local_cpus", lambda: 16)
    assert count_mig_parts() == 3 and count_local_slots(flags(1, 1.0, address=None)) == 3
    for visible in ("0,1", ""):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert count_mig_parts() == 0
