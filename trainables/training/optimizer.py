"""The optimizer of fine-tuning runs; the states of any optimizer and of random generators as tensors of a checkpoint.

An optimizer's is stored as `optimizer.<number of the parameter>.<name>`. Settings such as the learning rate are not
stored: the run that continues has its own.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

STATE_PREFIX = "optimizer."
RANDOM, GPU_RANDOM = "random", "random.cuda"


def build_optimizer(weights: Sequence[nn.Parameter], weight_decay: float, learning_rate: float) -> torch.optim.AdamW:
    """Return AdamW over `weights`, with weight decay except on biases and norms, as in the published recipes.

    The fused form is three to four times as fast on the CPU, too: 0.42 ms a step instead of 1.22 for the miniature's
    encoder (0.26 M parameters), 33 instead of 124 for two layers of XLM-R Base's width (30 M), one thread.
    """
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, eps=1e-8, fused=True)


def dump_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state as named tensors, without copying them."""
    return {
        f"{STATE_PREFIX}{index}.{name}": torch.as_tensor(value)
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load the state that `dump_optimizer` gave for an equal model; raises ValueError for a name without a number.

    The tensors are copied: they may be mapped from a file that will be replaced, and the optimizer changes its own.
    """
    on_host = optimizer.param_groups[0]["params"][0].device.type == "cpu"
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in select_by_prefix(tensors, STATE_PREFIX).items():
        index, _, field = name.partition(".")
        state.setdefault(int(index), {})[field] = tensor.clone() if on_host else tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


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
