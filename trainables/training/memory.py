"""What to do when a device runs out of memory: let go of everything, then try with less."""

from collections.abc import Callable
from typing import TypeVar

import torch

Value = TypeVar("Value")


def try_within_memory(work: Callable[[], Value], *, reraise: bool) -> Value | None:
    """What `work` gives, or None when memory ran out. With `last` nothing smaller is left, and the error goes on.

    Memory is freed only after the error is forgotten: its traceback holds all that lay in memory.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        if reraise:
            raise
    torch.cuda.empty_cache()
    return None
