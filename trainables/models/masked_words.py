"""The head for masked words: tied to an encoder's word embeddings, and kept beside it from stage to stage.

The table of word embeddings belongs to the encoder. The head only reads it, so it is trained once and saved once.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.activations import ACT2FN

from spaces.model_files import MASKED_WORD_HEAD_FILE

EPS = 1e-5  # of the norm of new heads
ACTIVATION = "gelu"  # of new heads
NO_HEAD = "the encoder came without a head for masked words"


class MaskedWordHead(nn.Module):
    """A head that predicts the words at masked positions. Its output matrix is the encoder's word embeddings (tied).

    `width` is that of the embeddings, if it differs from the width of the hidden states. A `plain` head has neither a
    dense layer nor a norm before the output matrix. An `untied` head, as some checkpoints have, has an output matrix
    of its own. `is_trained` is False for a head of random weights, of an encoder
    that came without one, and `reason` then says why.
    """

    def __init__(
        self, hidden: int, vocabulary: int, width: int | None = None, *, plain: bool = False, untied: bool = False
    ) -> None:
        super().__init__()
        self.dense = nn.Identity() if plain else nn.Linear(hidden, width or hidden)
        self.norm = nn.Identity() if plain else nn.LayerNorm(width or hidden, eps=EPS)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.output = nn.Parameter(torch.zeros(vocabulary, width or hidden)) if untied else None
        self.plain, self.activation = plain, ACTIVATION
        self.is_trained, self.reason = False, NO_HEAD

    def forward(self, states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (positions, vocabulary) from states (positions, hidden) and embeddings (vocabulary, width)."""
        if not self.plain:
            activate = functional.gelu if self.activation == ACTIVATION else ACT2FN[self.activation]
            states = self.norm(activate(self.dense(states)))
        return functional.linear(states, embeddings if self.output is None else self.output, self.bias)


def get_word_embeddings(model: PreTrainedModel) -> nn.Embedding:
    """Return the encoder's table of word embeddings; raise ValueError if it is not of the usual type."""
    embeddings = model.get_input_embeddings()
    if not isinstance(embeddings, nn.Embedding):
        raise ValueError(f"the word embeddings of {type(model).__name__} are not an nn.Embedding.")
    return embeddings


def build_fresh_head(model: PreTrainedModel, *, reason: str = NO_HEAD) -> MaskedWordHead:
    """Return a head of random weights, always the same ones, for an encoder that came without a head."""
    vocabulary, width = get_word_embeddings(model).weight.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = MaskedWordHead(int(model.config.hidden_size), vocabulary, width)
    head.reason = reason
    return head


def save_head(head: MaskedWordHead, folder: Path) -> None:
    """Write the head into the folder of its encoder."""
    tensors = {name: value.contiguous() for name, value in head.state_dict().items()}
    metadata = {"trained": "yes" if head.is_trained else "no", "eps": repr(getattr(head.norm, "eps", EPS))}
    metadata |= {"activation": head.activation, "layout": "plain" if head.plain else "dense", "reason": head.reason}
    save_file(tensors, folder / MASKED_WORD_HEAD_FILE, metadata)


def load_head(folder: Path, model: PreTrainedModel) -> MaskedWordHead:
    """Return the head that `save_head` wrote into the folder of `model`."""
    file = folder / MASKED_WORD_HEAD_FILE
    with safe_open(file, "pt") as content:  # type: ignore[no-untyped-call]
        metadata = content.metadata()
    tensors, hidden = load_file(file), int(model.config.hidden_size)
    width, plain = len(tensors.get("norm.weight", [0] * hidden)), metadata.get("layout") == "plain"
    with torch.random.fork_rng(devices=[]):
        head = MaskedWordHead(hidden, len(tensors["bias"]), width, plain=plain, untied="output" in tensors)
    head.load_state_dict(tensors)
    if isinstance(head.norm, nn.LayerNorm):
        head.norm.eps = float(metadata["eps"])
    # Former versions wrote two fields only.
    head.is_trained, head.activation = metadata["trained"] == "yes", metadata.get("activation", ACTIVATION)
    head.reason = metadata.get("reason", NO_HEAD)
    return head
