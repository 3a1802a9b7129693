"""LoRA: low-rank adapters beside the frozen weights of an encoder (Hu et al. 2021), as `peft` makes them.

    W x   becomes   W x + (alpha / rank) B A x

A (rank, inputs) is drawn at random and B (outputs, rank) is zero, so that training starts from the encoder as it is. In
the end the product is added to W, and what is handed on is a plain encoder. `peft` is imported where it is used only.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import nn
from transformers import PreTrainedModel

from spaces.method import LORA, METHODS
from trainables.models.small_model import LENGTH, build_small_model
from trainables.models.weight_files import RefusedEncoderError

TOLERANCE = 1e-4  # between the states of a small model with adapters beside its weights and in them


def list_layer_linears(model: nn.Module) -> list[str]:
    """Return the names of the linear layers in the encoder's layers: not those of the embeddings, or of a pooler.

    An encoder's layers are a list, so the names of their parts have a number in them.
    """
    linears = (name for name, module in model.named_modules() if isinstance(module, nn.Linear))
    return [name for name in linears if any(part.isdigit() for part in name.split("."))]


PLACES: Mapping[str, Callable[[nn.Module], list[str]]] = {"all-linear": list_layer_linears}


class Adapters:
    """Adapters on the linear layers of a model. All its other weights are frozen until they are merged.

    The settings are those of the method's entry in a recipe. `places` is a row of PLACES.
    """

    def __init__(self, model: PreTrainedModel, *, rank: int, alpha: int, dropout: float, places: str) -> None:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel

        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        names = "|".join(map(re.escape, PLACES[places](model)))
        config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names)
        self._tuner = LoraModel(model, config, "default")

    def merge(self) -> None:
        """Add the adapters to the weights, which can be trained again. The model is then as if it never had any."""
        self._tuner.merge_and_unload()
        for weight in self._weights:
            weight.requires_grad_(True)


def check_adapters(model: PreTrainedModel) -> None:
    """Raise RefusedEncoderError unless adapters work on a model, which may be on the meta device.

    A small random model of its kind must compute the same states before and after they are merged: an architecture may
    read the weights of a linear layer past it. One that cannot be made small is not tried.
    """
    name = type(model).__name__
    advice = f"Leave out the chains with {LORA}, or give an encoder such as XLM-R, mBERT or ModernBERT."
    if not list_layer_linears(model):
        raise RefusedEncoderError(f"the layers of {name} have no linear layer for an adapter of {LORA}. {advice}")
    try:
        small = build_small_model(model.config)
    except Exception:  # whatever a class does with a configuration that is not its own
        return
    ids = torch.arange(5, 5 + LENGTH)[None]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        adapters = Adapters(small, **METHODS[LORA].settings)  # type: ignore[arg-type]  # each has its own type
        for weight in small.parameters():
            if weight.requires_grad:
                nn.init.normal_(weight, std=0.5)
        small.eval()
        beside = small(**inputs).last_hidden_state
        adapters.merge()
        inside = small(**inputs).last_hidden_state
    if not torch.allclose(beside, inside, atol=TOLERANCE):
        raise RefusedEncoderError(f"{name} computes other states when adapters of {LORA} are merged. {advice}")
