"""Encoders: the default, shapes of well-known ones (for estimates that must not download anything), the miniature's."""

import json
from dataclasses import dataclass
from pathlib import Path

from spaces.table import Table

DEFAULT_ENCODER = "FacebookAI/xlm-roberta-large"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape:
    """Layers, hidden size, inner size of the feed-forward part, vocabulary and positions of an encoder."""

    name: str
    layers: int
    width: int
    inner: int
    vocabulary: int
    positions: int = 514  # of XLM-R

    @property
    def layer_parameters(self) -> int:
        """Parameters of the layers: what computes."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.inner + 9 * self.width + self.inner)

    @property
    def parameters(self) -> int:
        """All parameters: of the layers, of words and positions, and of the norm between them."""
        return self.layer_parameters + (self.vocabulary + self.positions + 3) * self.width


ENCODER_SHAPES = Table(
    "encoder shape",
    (
        EncoderShape(name=DEFAULT_ENCODER, layers=24, width=1024, inner=4096, vocabulary=250_002),
        EncoderShape(name="FacebookAI/xlm-roberta-base", layers=12, width=768, inner=3072, vocabulary=250_002),
        EncoderShape(
            name="google-bert/bert-base-multilingual-cased", layers=12, width=768, inner=3072, vocabulary=119_547
        ),
    ),
)


def shape_of(model: str) -> EncoderShape | None:
    """The shape of a known hub id, or of a folder with a config.json; None if it cannot be known from here."""
    if model in ENCODER_SHAPES:
        return ENCODER_SHAPES[model]
    config = Path(model) / "config.json"
    if not config.is_file():
        return None
    try:
        fields = json.loads(config.read_text(encoding="utf-8"))
        return EncoderShape(
            name=model,
            layers=int(fields["num_hidden_layers"]),
            width=int(fields["hidden_size"]),
            inner=int(fields["intermediate_size"]),
            vocabulary=int(fields["vocab_size"]),
            positions=int(fields["max_position_embeddings"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniatureRecipe:
    """How the miniature's encoder is pretrained: XLM-R in small, about 0.13 M parameters."""

    texts: int = 60_000
    held_out: int = 300  # texts that score the pretraining itself
    steps: int = 2600
    batch_size: int = 64
    learning_rate: float = 4e-3
    masking: float = 0.3  # share of the words to guess
    layers: int = 3
    width: int = 64
    heads: int = 4
    inner: int = 128  # inner size of the feed-forward part


MINIATURE_PRETRAINING = MiniatureRecipe()
