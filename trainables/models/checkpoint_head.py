"""The head for masked words of a checkpoint, recognised by what it computes, whatever its names."""

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForMaskedLM, PretrainedConfig, PreTrainedModel

from trainables.models.masked_words import MaskedWordHead, get_word_embeddings

TOLERANCE = 1e-4  # of the largest logit; roundings differ by a hundredth of it, gelu and its approximation by more
PROBE_LENGTH = 8  # sub-tokens
ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "tanh")
MASKED_LM_SUFFIXES = ("ForMaskedLM", "ForPreTraining")  # of the names of architectures with such a head
# Names that former versions knew, with `gelu` alone: stages that train other heads have new keys.
FORMER_HEADS = ("lm_head.layer_norm", "cls.predictions.transform.LayerNorm")


@dataclass(frozen=True, slots=True)
class FoundHead:
    """A checkpoint's head, or the reason why there is none. `is_new` is True for one that former versions missed."""

    head: MaskedWordHead | None
    reason: str = ""
    is_new: bool = False


def find_masked_lm_class(config: PretrainedConfig) -> type[PreTrainedModel] | None:
    """Return the library's class with a head for masked words of this configuration, or None."""
    mapping: Any = AutoModelForMaskedLM._model_mapping
    found: type[PreTrainedModel] | None = mapping.get(type(config), None)
    return found


def names_masked_lm(config: PretrainedConfig) -> bool:
    """Return True if a checkpoint says that it has a head for masked words, and the library has a class for it."""
    kind, names = find_masked_lm_class(config), config.architectures or ()
    return kind is not None and (kind.__name__ in names or any(name.endswith(MASKED_LM_SUFFIXES) for name in names))


def list_head_tensors(model: PreTrainedModel, unexpected: Collection[str]) -> list[str]:
    """Return the names of a checkpoint's tensors that are no part of its encoder."""
    modules = {name.partition(".")[0] for name in model.state_dict()} | {"pooler"}
    own = f"{model.base_model_prefix}."
    return [name for name in unexpected if name.removeprefix(own).partition(".")[0] not in modules]


def find_whole_head(masked_lm: PreTrainedModel, missing: Collection[str]) -> FoundHead:
    """Return the head of a loaded checkpoint. `missing` names the tensors that its weights lack."""
    own = f"{masked_lm.base_model_prefix}."
    lacking = sorted(name for name in missing if not name.startswith(own))
    if lacking:
        name = type(masked_lm).__name__
        return FoundHead(None, f"the weights lack {len(lacking)} tensors of the head of {name} ({lacking[0]})")
    return extract_head(masked_lm)


def extract_head(masked_lm: PreTrainedModel) -> FoundHead:
    """Return the head of a model for masked words: one that guesses as the model does from the same states.

    It is a dense layer, an activation and a norm before the output matrix, or that matrix alone. The output matrix is
    the table of word embeddings, or one of its own.
    """
    name, model, decoder = type(masked_lm).__name__, masked_lm.base_model, masked_lm.get_output_embeddings()
    if not isinstance(model, PreTrainedModel) or not isinstance(decoder, nn.Linear):
        return FoundHead(None, f"{name} has no output matrix for masked words")
    table = get_word_embeddings(model).weight
    is_tied = decoder.weight is table or torch.equal(decoder.weight, table)
    states, logits = _compute_example(masked_lm, model)
    best, error = None, float("inf")
    for candidate in _list_candidates(masked_lm, None if is_tied else decoder.weight):
        with torch.no_grad():
            difference = float((candidate(states, table) - logits).abs().max())
        if difference < error:
            best, error = candidate, difference
    if best is None or not error <= TOLERANCE * max(1.0, float(logits.abs().max())):
        return FoundHead(None, f"{name} guesses otherwise than by a dense layer, a norm and an output matrix")
    best.is_trained = True
    names = {module_name for module_name, _ in masked_lm.named_modules()}
    is_former = decoder.weight is table and any(former in names for former in FORMER_HEADS)
    is_former &= getattr(masked_lm.config, "hidden_act", None) == best.activation == "gelu"
    is_former &= any(own.endswith(MASKED_LM_SUFFIXES) for own in masked_lm.config.architectures or ())
    return FoundHead(best, is_new=not is_former)


def _compute_example(masked_lm: PreTrainedModel, model: PreTrainedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states of a few tokens, and the logits that the checkpoint gives them."""
    rows = get_word_embeddings(model).num_embeddings
    ids = (torch.arange(5, 5 + PROBE_LENGTH) % rows)[None].to(masked_lm.device)
    was_training = masked_lm.training
    masked_lm.eval()
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        logits = masked_lm(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
    masked_lm.train(was_training)
    return states, logits


def _list_candidates(masked_lm: PreTrainedModel, output: torch.Tensor | None) -> Iterator[MaskedWordHead]:
    """Yield heads made of the checkpoint's modules outside the encoder that have fitting shapes.

    `output` is the output matrix if it is not the table of word embeddings.
    """
    model = masked_lm.base_model
    assert isinstance(model, PreTrainedModel)
    rows, width = (get_word_embeddings(model).weight if output is None else output).shape
    hidden, own = int(model.config.hidden_size), set(model.modules())
    others = [module for module in masked_lm.modules() if module not in own]
    dense_layers = [m for m in others if isinstance(m, nn.Linear) and m.weight.shape == (width, hidden)]
    norms = [m for m in others if isinstance(m, nn.LayerNorm) and m.normalized_shape == (width,)]
    vectors: list[torch.Tensor] = [
        vector for m in others for vector in m.parameters(recurse=False) if vector.shape == (rows,)
    ]
    named = getattr(masked_lm.config, "hidden_act", None)
    activations = list(dict.fromkeys([*([named] if isinstance(named, str) else []), *ACTIVATIONS]))

    def build(bias: torch.Tensor, *, plain: bool = False) -> MaskedWordHead:
        with torch.random.fork_rng(devices=[]):
            head = MaskedWordHead(hidden, rows, width, plain=plain, untied=output is not None)
        head.bias.data.copy_(bias.data)
        if output is not None:
            head.output = nn.Parameter(output.data)
        return head.to(masked_lm.device)

    for bias in list(dict.fromkeys(vectors)) or [torch.zeros(rows)]:
        if width == hidden:
            yield build(bias, plain=True)
        for dense, norm, activation in itertools.product(dense_layers, norms, activations):
            head = build(bias)
            assert isinstance(head.dense, nn.Linear) and isinstance(head.norm, nn.LayerNorm)
            for target, source in ((head.dense, dense), (head.norm, norm)):
                target.weight.data.copy_(source.weight.data)
                target.bias.data.copy_(torch.zeros_like(target.bias) if source.bias is None else source.bias.data)
            head.norm.eps, head.activation = float(norm.eps), activation
            yield head
