"""Whether the states of an architecture read the tokens after them, as an encoder's do, or only those before them."""

import copy
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel

LAYERS, VOCABULARY, LENGTH = 1, 16, 8  # of the small model
MOST_PARAMETERS = 100_000_000  # of the small model; a layer of XLM-R XL has 80 million


def reads_later_tokens(model: PreTrainedModel) -> bool:
    """Return False if the attention is causal. `model` may be on the meta device: its weights do not matter.

    A small random model of the same configuration is tried: one layer, a few words. Where none can be made, the
    attributes of the model's own attention decide.
    """
    if getattr(model.config, "is_decoder", False):
        return False
    try:
        return _try_direction(_shrink_config(model.config))
    except Exception:  # an architecture that cannot be made so small
        return not any(getattr(module, "is_causal", False) for module in model.modules())


def _shrink_config(config: PretrainedConfig) -> PretrainedConfig:
    """Return the configuration with one layer, and without a vocabulary that would take most of the memory."""
    small = copy.deepcopy(config)
    layers = config.num_hidden_layers
    small.num_hidden_layers, small.vocab_size = LAYERS, VOCABULARY
    for name, value in vars(config).items():
        if isinstance(value, list) and len(value) == layers:  # one item a layer
            setattr(small, name, value[:LAYERS])
        elif name.endswith("token_id") and isinstance(value, int) and value >= VOCABULARY:
            setattr(small, name, 0)
    return small


def _try_direction(config: PretrainedConfig) -> bool:
    """Return True if another token at the second position changes the state of the first one."""
    with torch.device("meta"):
        size = sum(
            parameter.numel() for parameter in AutoModel.from_config(config, trust_remote_code=False).parameters()
        )
    if size > MOST_PARAMETERS:
        raise ValueError(f"the small model has {size} parameters")
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        model: Any = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False).eval()
        for parameter in model.parameters():  # some start at zero, and would hide what is read
            nn.init.normal_(parameter, std=0.05)
        ids = torch.arange(5, 5 + LENGTH)[None].repeat(2, 1)
        ids[1, 1] = VOCABULARY - 1
        first = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, 0]
    if not torch.isfinite(first).all():
        raise ValueError("the states of the small model are not finite")
    return bool((first[0] - first[1]).abs().max() > 0)
