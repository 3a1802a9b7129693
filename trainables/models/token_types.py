"""Token types, which tell the first text of two from the second one: whether a model reads them, and how many."""

import functools
import inspect

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from trainables.features.template import PROBE
from trainables.models.weight_files import RefusedEncoderError

TOKEN_TYPES = "token_type_ids"


def reads_token_types(model: PreTrainedModel) -> bool:
    """Return True if the model's forward pass has an argument for token types."""
    return _has_argument(type(model))  # type: ignore[arg-type]  # mypy takes the hash of a class for an instance's


@functools.cache
def _has_argument(kind: type[PreTrainedModel]) -> bool:
    return TOKEN_TYPES in inspect.signature(kind.forward).parameters


def check_token_types(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise RefusedEncoderError if the tokenizer gives a token type that the model has no embedding of."""
    largest = max(tokenizer(PROBE, PROBE).get(TOKEN_TYPES, [0]))
    tables = [module for name, module in model.named_modules() if name.endswith("token_type_embeddings")]
    rows = min((table.num_embeddings for table in tables if isinstance(table, nn.Embedding)), default=None)
    if reads_token_types(model) and rows is not None and largest >= rows:
        raise RefusedEncoderError(
            f"the tokenizer gives token types up to {largest} (token_type_ids), but the model has embeddings of {rows}."
            " Give the encoder's own tokenizer, or take token_type_ids out of model_input_names in "
            "tokenizer_config.json."
        )
