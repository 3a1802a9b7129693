"""A small random model of an architecture, on which its behaviour is tried without computing anything big."""

import copy
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig

LAYERS, VOCABULARY, LENGTH = 1, 16, 8  # of the small model and its inputs
MOST_PARAMETERS = 100_000_000  # of the small model; a layer of XLM-R XL has 80 million


def build_meta_model(config: PretrainedConfig, library: Any = AutoModel) -> Any:
    """Return a model without memory for its weights; `library` is the class of `transformers` that makes it."""
    with torch.device("meta"):
        return library.from_config(config, dtype=torch.float32, trust_remote_code=False)


def build_small_model(config: PretrainedConfig, library: Any = AutoModel) -> Any:
    """Return a random model of the same configuration with one layer and a few words, ready for evaluation.

    Layers stay as they are where an architecture has no plain number of them. Raises ValueError if it is still too
    large, and whatever a class raises that cannot be made so small.
    """
    small = _shrink_config(config)
    size = sum(parameter.numel() for parameter in build_meta_model(small, library).parameters())
    if size > MOST_PARAMETERS:
        raise ValueError(f"the small model has {size} parameters")
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model: Any = library.from_config(small, dtype=torch.float32, trust_remote_code=False).eval()
        for parameter in model.parameters():  # some start at zero, and would hide what is read
            nn.init.normal_(parameter, std=0.05)
    return model


def _shrink_config(config: PretrainedConfig) -> PretrainedConfig:
    """Return the configuration with one layer, and without a vocabulary that would take most of the memory."""
    small = copy.deepcopy(config)
    layers = config.num_hidden_layers
    small.vocab_size = VOCABULARY
    try:
        small.num_hidden_layers = LAYERS
    except NotImplementedError:  # several numbers make it up
        return small
    for name, value in vars(config).items():
        if isinstance(value, list) and len(value) == layers:  # one item a layer
            setattr(small, name, value[:LAYERS])
        elif name.endswith("token_id") and isinstance(value, int) and value >= VOCABULARY:
            setattr(small, name, 0)
    return small
