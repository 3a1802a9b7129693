"""The losses of a training, which must be finite numbers.

On a GPU they are computed behind the program's back, so they are looked at some steps later.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

CHECK_EVERY = 50  # steps between checks of the losses on a GPU: each check waits until the GPU has done all its work


class DivergedError(Exception):
    """The loss is not a finite number."""


def choose_interval(device: torch.device) -> int:
    """Return the number of steps from one check to the next on a device."""
    return CHECK_EVERY if device.type == "cuda" else 1


def sum_losses(losses: Sequence[Tensor], last: int, steps: int) -> float:
    """Return the sum of the losses; raise DivergedError for the first one that is not a finite number.

    `losses` are those of the steps up to the step `last`, counted from 1, of `steps` in all.
    """
    values: list[float] = torch.stack([*losses]).tolist()
    for step, loss in enumerate(values, last - len(losses) + 1):
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss} at step {step} of {steps}")
    return sum(values)
