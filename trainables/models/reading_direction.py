"""Whether the states of an architecture read the tokens after them, as an encoder's do, or only those before them."""

from typing import Any

import torch
from transformers import PreTrainedModel

from trainables.models.small_model import LENGTH, VOCABULARY, build_small_model


def reads_later_tokens(model: PreTrainedModel) -> bool:
    """Return False if the attention is causal. `model` may be on the meta device: its weights do not matter.

    A small random model of the same configuration is tried: one layer, a few words. Where none can be made, the
    attributes of the model's own attention decide.
    """
    if getattr(model.config, "is_decoder", False):
        return False
    try:
        return _try_direction(build_small_model(model.config))
    except Exception:  # an architecture that cannot be made so small
        return not any(getattr(module, "is_causal", False) for module in model.modules())


def _try_direction(model: Any) -> bool:
    """Return True if another token at the second position changes the state of the first one."""
    ids = torch.arange(5, 5 + LENGTH)[None].repeat(2, 1)
    ids[1, 1] = VOCABULARY - 1
    with torch.inference_mode():
        first = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, 0]
    if not torch.isfinite(first).all():
        raise ValueError("the states of the small model are not finite")
    return bool((first[0] - first[1]).abs().max() > 0)
