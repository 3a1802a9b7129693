"""Check on a small random model that an architecture computes the states that heads and retrieval read."""

from collections.abc import Collection

import torch
from transformers import PreTrainedModel

from spaces.task import TaskKind
from trainables.models.encoder_shape import UnevenLayersError, check_states
from trainables.models.small_model import LENGTH, build_small_model
from trainables.models.token_types import reads_token_types
from trainables.models.weight_files import RefusedEncoderError


def check_forward(model: PreTrainedModel, kinds: Collection[TaskKind], *, gives_types: bool) -> tuple[str, ...]:
    """Return notes. Raise RefusedEncoderError unless a pass over two texts gives one state for each token.

    `model` may be on the meta device. `gives_types` is True for a tokenizer that gives token types. Retrieval reads
    every layer, so all must have the same shape. An architecture that cannot be made small is not tried.
    """
    name = type(model).__name__
    try:
        small = build_small_model(model.config)
    except Exception:  # whatever a class does with a configuration that is not its own
        return ()
    ids = torch.arange(5, 5 + LENGTH)[None].repeat(2, 1)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    inputs["attention_mask"][1, LENGTH // 2 :] = 0
    if gives_types and reads_token_types(model):
        inputs["token_type_ids"] = torch.zeros_like(ids)
    try:
        with torch.no_grad():
            output = small(**inputs, output_hidden_states=True)
            alone = small(**{key: value[1:, : LENGTH // 2] for key, value in inputs.items()}).last_hidden_state
        states = output.last_hidden_state
    except Exception as error:  # classes ask for other inputs in many ways
        reason = " ".join(str(error).split()).rstrip(".")[:160] or type(error).__name__
        raise RefusedEncoderError(
            f"{name} computes no states from sub-tokens and their mask alone: {reason}. "
            "Give an encoder of plain text, such as XLM-R, mBERT or ModernBERT."
        ) from error
    expected = (*ids.shape, int(model.config.hidden_size))
    if tuple(states.shape) != expected:
        raise RefusedEncoderError(
            f"{name} gives states of shape {list(states.shape)} for {LENGTH} sub-tokens in 2 texts; one state of "
            f"hidden_size for each, {list(expected)}, is needed. Give an encoder such as XLM-R, mBERT or ModernBERT."
        )
    try:
        if "retrieval" in kinds:
            check_states(name, output.hidden_states, states)
    except UnevenLayersError as error:
        raise RefusedEncoderError(f"{error}; retrieval reads every layer. Leave out the retrieval tasks.") from error
    if torch.allclose(states[1:, : LENGTH // 2], alone, atol=1e-4):
        return ()
    return (f"encoder: the states of {name} depend on the padding beside a text: scores vary with the batches",)
