"""Tensors of a training's state, by name: those of a part of it, and the states of the random generators it draws from.

Dropout and some methods draw from PyTorch's own generators. The order of the data does not: it is a function of seed
and step. A run that continues on another kind of device draws other numbers there.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

RANDOM, GPU_RANDOM = "random", "random.cuda"


def read_random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the state of the host's random generator, and that of the GPU's if a training runs on one."""
    states = {RANDOM: torch.get_rng_state()}
    if device.type == "cuda":
        states[GPU_RANDOM] = torch.cuda.get_rng_state(device)
    return states


def restore_random_states(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore the states of `read_random_states`; raises KeyError where the host's is missing."""
    torch.set_rng_state(tensors[RANDOM])
    if device.type == "cuda" and GPU_RANDOM in tensors:  # a run may continue on another device
        torch.cuda.set_rng_state(tensors[GPU_RANDOM], device)


def select_by_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with `prefix`, under their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
