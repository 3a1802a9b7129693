"""A share of a GPU, with calls to torch noted instead of made."""

from typing import Any

import pytest
import torch

from tests.trainables.training.test_device import SmallDevice
from tests.trainables.trainings import RECIPE, training_of
from trainables.worker.memory import (
    CUDA_CONTEXT_BYTES,
    compute_allocator_fraction,
    describe_device,
    limit_gpu_memory,
    read_peak_memory,
)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A GPU of 16 GiB, and what is asked of it."""
    calls: list[Any] = []
    properties = type("Properties", (), {"total_memory": 16 * 2**30})
    for name, does in {
        "is_available": lambda: True,
        "init": lambda: calls.append("init"),
        "current_device": lambda: 0,
        "get_device_properties": lambda device: properties,
        "reset_peak_memory_stats": lambda: calls.append("reset"),
        "set_per_process_memory_fraction": calls.append,
        "max_memory_allocated": lambda: 123,
        "get_device_name": lambda device: "NVIDIA H200",
    }.items():
        monkeypatch.setattr(torch.cuda, name, does)
    return calls


def test_a_share_is_a_border_and_leaves_room_for_the_context(gpu: list[Any]) -> None:
    limit_gpu_memory(0.25)
    assert gpu == ["init", "reset", 0.25 - 1 / 16] and read_peak_memory() == 123
    assert 4 * (compute_allocator_fraction(0.25, 2**34) * 2**34 + CUDA_CONTEXT_BYTES) == 2**34
    assert compute_allocator_fraction(0.25, 2**31) == 0.0


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_whole_gpus_have_no_border(gpu: list[Any], share: float) -> None:
    limit_gpu_memory(share)
    assert gpu == ["init", "reset"]


def test_without_a_gpu_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    limit_gpu_memory(0.5)
    assert read_peak_memory() is None


def test_a_packed_run_halves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of("mnli")
    device = SmallDevice(training, 1, monkeypatch)
    training.may_halve = False
    with pytest.raises(torch.OutOfMemoryError):
        training.advance()
    assert training.micro_batch == RECIPE.batch_size and len(device.sizes) == 1


@pytest.mark.parametrize(("share", "name"), [(0.0, "CPU"), (0.5, "NVIDIA H200 x 0.5"), (1.0, "NVIDIA H200")])
def test_a_device_has_its_name_and_a_share_its_number(gpu: list[Any], share: float, name: str) -> None:
    assert describe_device(share) == name


def test_without_a_gpu_the_device_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert describe_device(1.0) == "CPU"
