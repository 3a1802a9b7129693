"""Sizes of an encoder that configurations name in many ways or not at all: layers, positions, dropout."""

import weakref

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

DROPOUT_NAMES = ("hidden_dropout_prob", "hidden_dropout", "dropout", "dropout_rate")  # the first that is there counts
POSITION_TABLES = ("position_embeddings", "wpe")
PROBE_LENGTH = 8  # sub-tokens

_layer_counts: weakref.WeakKeyDictionary[PreTrainedModel, int] = weakref.WeakKeyDictionary()


class UnevenLayersError(ValueError):
    """The layers of a model give states of different shapes, so that no layer can stand for a token."""


def count_layers(model: PreTrainedModel) -> int:
    """Return the number of layers above the embeddings' output, counted in a forward pass of a few tokens.

    Raises UnevenLayersError for a model whose layers differ in length or width, such as Funnel.
    """
    if model not in _layer_counts:
        was_training = model.training
        model.eval()
        ids = torch.zeros(1, PROBE_LENGTH, dtype=torch.int64, device=model.device)
        with torch.no_grad():
            output = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
        model.train(was_training)
        check_states(type(model).__name__, output.hidden_states, output.last_hidden_state)
        _layer_counts[model] = len(output.hidden_states) - 1
    return _layer_counts[model]


def check_states(name: str, states: tuple[torch.Tensor, ...] | None, last: torch.Tensor) -> None:
    """Raise UnevenLayersError unless the states of all layers have the shape of the last one."""
    if not states or len(states) < 2:
        raise UnevenLayersError(f"{name} gives no states of its layers")
    shapes = sorted({tuple(layer.shape[1:]) for layer in (*states, last)})
    if len(shapes) > 1:
        shown = " and ".join(f"{length} x {width}" for length, width in shapes)
        raise UnevenLayersError(f"the layers of {name} give states of different shapes ({shown})")


def read_dropout(config: PretrainedConfig) -> float:
    """Return the dropout of hidden states, which task heads use too; 0 if the configuration names none."""
    values = (getattr(config, name, None) for name in DROPOUT_NAMES)
    return next((float(value) for value in values if isinstance(value, int | float)), 0.0)


def count_positions(model: PreTrainedModel) -> int | None:
    """Return the number of sub-tokens that an input may have, or None if the model sets no limit.

    It is the smaller one of the configuration's and of the table's. A table of positions with a padding row, as
    RoBERTa's, starts to count after that row.
    """
    limits = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and name.rpartition(".")[2] in POSITION_TABLES:
            limits.append(module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1))
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions)
    return min(limits, default=None)
