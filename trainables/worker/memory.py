"""Memory: a process's share of a GPU, its peak use, work that may run out of memory, and what is returned."""

import ctypes
import gc
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import nn

# Bytes of a GPU that a process uses beside torch's allocator: CUDA's context, kernels, the libraries' own buffers.
CUDA_CONTEXT_BYTES = 2**30
RELEASE_BYTES = 35_000_000  # of a model's weights: more is worth the tenth of a second that a release takes

Value = TypeVar("Value")


def limit_gpu_memory(share: float) -> None:
    """Start measuring the peak, and limit this process to `share` of the GPU's memory if `share` is below 1.

    A process that exceeds its share then runs out of memory itself, instead of the process that has the other share.
    """
    if not torch.cuda.is_available():
        return
    torch.cuda.init()
    torch.cuda.reset_peak_memory_stats()
    if 0 < share < 1:
        total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        torch.cuda.set_per_process_memory_fraction(compute_allocator_fraction(share, total))


def compute_allocator_fraction(share: float, total: int) -> float:
    """Return the fraction of a GPU of `total` bytes that torch's allocator may take within `share`."""
    return max(0.0, share - CUDA_CONTEXT_BYTES / total)


def describe_device(share: float) -> str:
    """Return what a trial with this share of a GPU runs on: `CPU`, `NVIDIA H200` or `NVIDIA H200 x 0.5`."""
    if not share or not torch.cuda.is_available():
        return "CPU"
    name = torch.cuda.get_device_name(0)
    return name if share >= 1 else f"{name} x {share:g}"


def read_peak_memory() -> int | None:
    """Return the most bytes that tensors have held since `limit_gpu_memory`; None without a GPU.

    What torch has reserved beyond that is fragments, which expandable segments keep small (`build_runtime_env`).
    """
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def try_within_memory(work: Callable[[], Value], *, reraise: bool) -> Value | None:
    """Return the result of `work`, or None if memory ran out; with `reraise`, raise the OutOfMemoryError instead.

    Memory is freed only after the exception is gone, because its traceback keeps every tensor of the failed call alive.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        if reraise:
            raise
    torch.cuda.empty_cache()
    return None


def copy_to_host(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies in the host's memory, complete when this returns.

    From a GPU they are made at the full speed of its bus, into pinned memory: torch keeps that when it is freed, so
    each copy lies where an earlier one lay.
    """
    copies = {}
    for name, tensor in tensors.items():
        copies[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        copies[name].copy_(tensor.detach(), non_blocking=True)
    if any(tensor.is_cuda for tensor in tensors.values()):
        torch.cuda.synchronize()
    return copies


def is_on_gpu(model: nn.Module) -> bool:
    """Return True if any weight of a model lies on a GPU."""
    return any(weight.is_cuda for weight in model.parameters())


def count_weight_bytes(model: nn.Module, *, trained: bool = False) -> int:
    """Return the bytes of a model's weights, or of those that are trained."""
    return sum(weight.nbytes for weight in model.parameters() if weight.requires_grad or not trained)


def release_memory() -> None:
    """Return freed memory to the system: the process lives on for other stages, and C's allocator would keep it."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
        if trim is not None:
            trim(0)
