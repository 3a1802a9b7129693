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

from trainables.models.encoder_folder import MASKED_WORD_HEAD_FILE

EPS = 1e-5  # of the norm of new heads
# Names of bias, dense layer and norm in the masked-word heads of checkpoints: RoBERTa and its kin, BERT.
HEAD_LAYOUTS = (
    ("lm_head", "lm_head.dense", "lm_head.layer_norm"),
    ("cls.predictions", "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm"),
)


class MaskedWordHead(nn.Module):
    """A head that predicts the words at masked positions. Its output matrix is the encoder's word embeddings (tied).

    `width` is that of the embeddings, if it differs from the width of the hidden states. `is_trained` is False for a
    head of random weights, of an encoder that came without one.
    """

    def __init__(self, hidden: int, vocabulary: int, width: int | None = None, eps: float = EPS) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, width or hidden)
        self.norm = nn.LayerNorm(width or hidden, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.is_trained = False

    def forward(self, states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (positions, vocabulary) from states (positions, hidden) and embeddings (vocabulary, width)."""
        transformed: torch.Tensor = self.norm(functional.gelu(self.dense(states)))
        return functional.linear(transformed, embeddings, self.bias)


def get_word_embeddings(model: PreTrainedModel) -> nn.Embedding:
    """Return the encoder's table of word embeddings; raise ValueError if it is not of the usual type."""
    embeddings = model.get_input_embeddings()
    if not isinstance(embeddings, nn.Embedding):
        raise ValueError(f"the word embeddings of {type(model).__name__} are not an nn.Embedding.")
    return embeddings


def build_fresh_head(model: PreTrainedModel) -> MaskedWordHead:
    """Return a head of random weights, always the same ones, for an encoder that came without a head."""
    vocabulary, width = get_word_embeddings(model).weight.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskedWordHead(int(model.config.hidden_size), vocabulary, width)


def extract_head(masked_lm: PreTrainedModel) -> MaskedWordHead | None:
    """Return the head of a checkpoint for masked words; None unless it has the layout of RoBERTa's or BERT's."""
    layout = next((layout for layout in HEAD_LAYOUTS if hasattr(masked_lm, layout[0].partition(".")[0])), None)
    model, decoder = masked_lm.base_model, masked_lm.get_output_embeddings()
    if layout is None or not isinstance(model, PreTrainedModel) or decoder is None:
        return None
    is_tied = decoder.weight is get_word_embeddings(model).weight
    if not is_tied or getattr(masked_lm.config, "hidden_act", None) != "gelu":
        return None
    bias_owner, dense, norm = (masked_lm.get_submodule(name) for name in layout)
    head = build_fresh_head(model)
    head.dense.load_state_dict(dense.state_dict())
    head.norm.load_state_dict(norm.state_dict())
    head.norm.eps = float(norm.eps)  # type: ignore[arg-type]
    head.bias.data.copy_(bias_owner.bias.data)  # type: ignore[arg-type,union-attr]
    head.is_trained = True
    return head


def save_head(head: MaskedWordHead, folder: Path) -> None:
    """Write the head into the folder of its encoder."""
    tensors = {name: value.contiguous() for name, value in head.state_dict().items()}
    metadata = {"trained": "yes" if head.is_trained else "no", "eps": repr(head.norm.eps)}
    save_file(tensors, folder / MASKED_WORD_HEAD_FILE, metadata)


def load_head(folder: Path, model: PreTrainedModel) -> MaskedWordHead:
    """Return the head that `save_head` wrote into the folder of `model`."""
    file = folder / MASKED_WORD_HEAD_FILE
    with safe_open(file, "pt") as content:  # type: ignore[no-untyped-call]
        metadata = content.metadata()
    head = build_fresh_head(model)
    head.load_state_dict(load_file(file))
    head.norm.eps, head.is_trained = float(metadata["eps"]), metadata["trained"] == "yes"
    return head
