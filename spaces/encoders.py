"""Encoders: their profiles, shapes of well-known ones for estimates without a download, the miniature's pretraining."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spaces.table import Table

DEFAULT_ENCODER = "FacebookAI/xlm-roberta-large"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderProfile:
    """Settings that depend on the encoder and not on the task."""

    name: str
    learning_rates: tuple[float, ...]  # default axis, ascending
    question_rates: tuple[float, ...]  # of the spaces that answer one question: the middle one, and that of the paper
    pooling: Literal["first", "segments"] = "first"  # pair tasks: first token, or [u, v, |u-v|, u*v] of the segments
    # Number of batches whose examples are sorted by length together before they are cut; 1: no sorting. For MNLI in
    # batches of 32, 32 of them leave 4 % padding instead of 56 %.
    bucket: int = 1
    retrieval_depth: float = 14 / 24  # share of the layers below the one that retrieval reads (XTREME: 14 of 24)


PROFILES = Table(
    "profile",
    (
        EncoderProfile(
            name="miniature",
            learning_rates=(5e-4, 1e-3, 2e-3),
            question_rates=(1e-3,),
            pooling="segments",
            retrieval_depth=1.0,
        ),
        # Phang et al. 2020 train everything at 1e-5.
        EncoderProfile(name="pretrained", learning_rates=(1e-5, 2e-5, 3e-5), question_rates=(1e-5, 2e-5), bucket=32),
    ),
)


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
        """Parameters of the layers, which determine the compute."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.inner + 9 * self.width + self.inner)

    @property
    def parameters(self) -> int:
        """All parameters: layers, word and position embeddings, and the norm after the embeddings."""
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
    """Return the shape of a known hub id, or of a folder with a config.json; None for any other model."""
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
    """Pretraining of the miniature's encoder: a small XLM-R of about 0.13 M parameters."""

    texts: int = 60_000
    held_out: int = 300  # texts that score the pretraining itself
    steps: int = 2600
    batch_size: int = 64
    learning_rate: float = 4e-3
    masking: float = 0.3  # share of the words that are masked
    layers: int = 3
    width: int = 64
    heads: int = 4
    inner: int = 128  # inner size of the feed-forward part


MINIATURE_PRETRAINING = MiniatureRecipe()
