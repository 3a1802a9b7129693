"""A stage's share of a GPU: how much of the memory it may take, and how much it took. Nothing happens without a GPU."""

import torch

# Bytes that a process has on a GPU beside what torch's allocator counts: CUDA's context, kernels, libraries' own.
CUDA_CONTEXT_BYTES = 2**30


def limit_gpu_memory(share: float) -> None:
    """Begin to measure; with a share below 1 also hold this process to it.

    What goes beyond it is then an error of this process, and not of the one that has the other share.
    """
    if not torch.cuda.is_available():
        return
    torch.cuda.init()
    torch.cuda.reset_peak_memory_stats()
    if 0 < share < 1:
        memory = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        torch.cuda.set_per_process_memory_fraction(compute_allocator_fraction(share, memory))


def compute_allocator_fraction(share: float, memory: int) -> float:
    """The part of a GPU of so many bytes that torch's allocator may take within a share."""
    return max(0.0, share - CUDA_CONTEXT_BYTES / memory)


def read_peak_memory() -> int | None:
    """The most bytes that torch's allocator has held since `open_share`; None without a GPU."""
    return torch.cuda.max_memory_reserved() if torch.cuda.is_available() else None
