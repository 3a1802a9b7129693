"""Whether the states of an architecture read the tokens after them, as an encoder's do, or only those before them."""

from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from trainables.models.small_model import LENGTH, VOCABULARY, build_small_model

Direction = Literal["both", "earlier", "none"]  # the other tokens that a state reads


def find_direction(model: PreTrainedModel) -> Direction:
    """Return what a state reads beside its own token. `model` may be on the meta device: its weights do not matter.

    A small random model of the same configuration is tried: one layer, a few words. Where none can be made, the
    attributes of the model's own attention decide.
    """
    if getattr(model.config, "is_decoder", False):
        return "earlier"
    try:
        return _try_direction(build_small_model(model.config))
    except Exception:  # an architecture that cannot be made so small
        return "earlier" if any(getattr(module, "is_causal", False) for module in model.modules()) else "both"


def _try_direction(model: Any) -> Direction:
    """Return which states change with the token at the second position: the first one, or only later ones."""
    ids = torch.arange(5, 5 + LENGTH)[None].repeat(2, 1)
    ids[1, 1] = VOCABULARY - 1
    with torch.inference_mode():
        states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    if not torch.isfinite(states).all():
        raise ValueError("the states of the small model are not finite")
    changes = (states[0] - states[1]).abs().amax(-1) > 0
    if changes[0]:
        return "both"
    return "earlier" if changes[2:].any() else "none"
