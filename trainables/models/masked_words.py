"""The head that guesses masked words: tied to an encoder's word embeddings, and kept beside it from stage to stage.

The table of word embeddings belongs to the encoder. The head only looks at it, so that it is trained once and saved
once.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from trainables.models.encoder_folder import MASKED_WORD_HEAD_FILE

EPS = 1e-5  # of a head of our own
# Where checkpoints for masked words keep their bias, their layer, and its norm: RoBERTa and its kin, BERT.
HEAD_LAYOUTS = (
    ("lm_head", "lm_head.dense", "lm_head.layer_norm"),
    ("cls.predictions", "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm"),
)


class MaskedWordHead(nn.Module):
    """Guesses words at masked positions; its output matrix is the encoder's table of word embeddings (tied).

    `width` is that of the embeddings, where it is not the hidden states'. `trained` is False for a head of random
    weights: its encoder came without one.
    """

    def __init__(self, hidden: int, vocabulary: int, width: int | None = None, eps: float = EPS) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, width or hidden)
        self.norm = nn.LayerNorm(width or hidden, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.is_trained = False

    def forward(self, vectors: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """Logits (positions x vocabulary) from vectors (positions x hidden) and embeddings (vocabulary x width)."""
        mixed: torch.Tensor = self.norm(functional.gelu(self.dense(vectors)))
        return functional.linear(mixed, embeddings, self.bias)


def get_word_embeddings(model: PreTrainedModel) -> nn.Embedding:
    """The encoder's table of word embeddings; raises ValueError for an encoder that has none of the usual sort."""
    embeddings = model.get_input_embeddings()
    if not isinstance(embeddings, nn.Embedding):
        raise ValueError(f"{type(model).__name__} keeps its word embeddings in no nn.Embedding.")
    return embeddings


def build_fresh_head(model: PreTrainedModel) -> MaskedWordHead:
    """A head of random weights, always the same, for an encoder that came without one."""
    vocabulary, width = get_word_embeddings(model).weight.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskedWordHead(int(model.config.hidden_size), vocabulary, width)


def extract_head(masked: PreTrainedModel) -> MaskedWordHead | None:
    """The head of a checkpoint for masked words (RoBERTa's or BERT's form); None for any other form."""
    form = next((form for form in HEAD_LAYOUTS if hasattr(masked, form[0].partition(".")[0])), None)
    model, decoder = masked.base_model, masked.get_output_embeddings()
    if form is None or not isinstance(model, PreTrainedModel) or decoder is None:
        return None
    if decoder.weight is not get_word_embeddings(model).weight or getattr(masked.config, "hidden_act", None) != "gelu":
        return None
    top, dense, norm = (masked.get_submodule(name) for name in form)
    head = build_fresh_head(model)
    head.dense.load_state_dict(dense.state_dict())
    head.norm.load_state_dict(norm.state_dict())
    head.norm.eps = float(norm.eps)  # type: ignore[arg-type]
    head.bias.data.copy_(top.bias.data)  # type: ignore[arg-type,union-attr]
    head.is_trained = True
    return head


def save_head(head: MaskedWordHead, folder: Path) -> None:
    """Write the head beside its encoder."""
    told = {"trained": "yes" if head.is_trained else "no", "eps": repr(head.norm.eps)}
    save_file(
        {name: value.contiguous() for name, value in head.state_dict().items()}, folder / MASKED_WORD_HEAD_FILE, told
    )


def load_head(folder: Path, model: PreTrainedModel) -> MaskedWordHead:
    """The head that `save_head` left beside its encoder."""
    file = folder / MASKED_WORD_HEAD_FILE
    with safe_open(file, "pt") as content:  # type: ignore[no-untyped-call]
        told = content.metadata()
    head = build_fresh_head(model)
    head.load_state_dict(load_file(file))
    head.norm.eps, head.is_trained = float(told["eps"]), told["trained"] == "yes"
    return head
