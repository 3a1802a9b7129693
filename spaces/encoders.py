"""Encoders: their profiles, shapes of well-known ones for estimates without a download, the miniature's pretraining."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spaces.table import Table

DEFAULT_ENCODER = "FacebookAI/xlm-roberta-large"
STATE_COPIES = 3  # of the weights in the state of a training: themselves and two moments
# On the CPU a batch is computed in pieces of so many hidden values (sub-tokens times width): as fast, in less memory.
PIECE_VALUES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderProfile:
    """Settings that depend on the encoder and not on the task."""

    name: str
    learning_rates: tuple[float, ...]  # default axis, ascending
    question_rates: tuple[float, ...]  # of the spaces that answer one question: the middle one, and that of the paper
    pooling: Literal["first", "segments"] = "first"  # of labelled texts: first token, or means of the texts
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


def profile_of(benchmark: str) -> EncoderProfile:
    """Return the profile of the encoders that a benchmark is searched with."""
    return PROFILES["miniature" if benchmark == "miniature" else "pretrained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape:
    """Layers, hidden size, inner size of the feed-forward part, vocabulary and positions of an encoder.

    A gated feed-forward part has three matrices instead of two. `key_width` is that of keys and values, which is less
    than the hidden size where several queries share them. Rotary and relative positions have no table: 0 positions.
    """

    name: str
    layers: int
    width: int
    inner: int
    vocabulary: int
    positions: int = 514  # of XLM-R
    gated: bool = False
    key_width: int | None = None  # None: the hidden size

    @property
    def layer_parameters(self) -> int:
        """Parameters of the layers, which determine the compute."""
        attention = 2 * self.width**2 + 2 * self.width * (self.key_width or self.width)
        feed_forward = (3 if self.gated else 2) * self.width * self.inner
        return self.layers * (attention + feed_forward + 9 * self.width + self.inner)

    @property
    def parameters(self) -> int:
        """All parameters: layers, word and position embeddings, and the norm after the embeddings."""
        return self.layer_parameters + (self.vocabulary + self.positions + 3) * self.width

    def count_adapter_parameters(self, rank: int) -> int:
        """Return the parameters of adapters (LoRA) on every matrix of the layers; fewer where matrices are joined."""
        attention = 6 * self.width + 2 * (self.key_width or self.width)
        feed_forward = (3 if self.gated else 2) * (self.width + self.inner)
        return self.layers * rank * (attention + feed_forward)


def _modern(
    name: str, layers: int, width: int, inner: int, vocabulary: int, key_width: int | None = None
) -> EncoderShape:
    """Return a shape with a gated feed-forward part and rotary positions."""
    shape = {"layers": layers, "width": width, "inner": inner, "vocabulary": vocabulary}
    return EncoderShape(name=name, **shape, positions=0, gated=True, key_width=key_width)


def _classic(name: str, layers: int, width: int, inner: int, vocabulary: int, positions: int = 514) -> EncoderShape:
    """Return a shape like XLM-R's."""
    return EncoderShape(name=name, layers=layers, width=width, inner=inner, vocabulary=vocabulary, positions=positions)


ENCODER_SHAPES = Table(
    "encoder shape",
    (
        _classic(DEFAULT_ENCODER, 24, 1024, 4096, 250_002),
        _classic("FacebookAI/xlm-roberta-base", 12, 768, 3072, 250_002),
        _classic("facebook/xlm-roberta-xl", 36, 2560, 10_240, 250_880),
        _classic("google-bert/bert-base-multilingual-cased", 12, 768, 3072, 119_547, 512),
        _classic("intfloat/multilingual-e5-small", 12, 384, 1536, 250_037, 512),
        _classic("intfloat/multilingual-e5-base", 12, 768, 3072, 250_002),
        _classic("intfloat/multilingual-e5-large", 24, 1024, 4096, 250_002),
        _classic("microsoft/Multilingual-MiniLM-L12-H384", 12, 384, 1536, 250_037, 512),
        _classic("microsoft/mdeberta-v3-base", 12, 768, 3072, 251_000, 512),
        _modern("jhu-clsp/mmBERT-small", 22, 384, 1152, 256_000),
        _modern("jhu-clsp/mmBERT-base", 22, 768, 1152, 256_000),
        _modern("EuroBERT/EuroBERT-210m", 12, 768, 3072, 128_256),
        _modern("EuroBERT/EuroBERT-610m", 26, 1152, 4096, 128_256, key_width=384),
        _modern("EuroBERT/EuroBERT-2.1B", 32, 2304, 6144, 128_256, key_width=768),
    ),
)
# Kinds of models (`model_type`) whose feed-forward part is gated.
GATED_KINDS = {"modernbert", "eurobert", "nomic_bert", "gemma3_text", "llama", "mistral", "qwen2", "qwen3"}


def shape_of(model: str) -> EncoderShape | None:
    """Return the shape of a known hub id, or of a folder with a config.json; None for any other model."""
    if model in ENCODER_SHAPES:
        return ENCODER_SHAPES[model]
    config = Path(model) / "config.json"
    if not config.is_file():
        return None
    try:
        fields = json.loads(config.read_text(encoding="utf-8"))
        width, heads = int(fields["hidden_size"]), int(fields["num_attention_heads"])
        head_width = int(fields.get("head_dim") or width // heads)
        is_rotary = any(name.startswith(("rope_", "global_rope_")) for name in fields)
        return EncoderShape(
            name=model,
            layers=int(fields["num_hidden_layers"]),
            width=width,
            inner=int(fields["intermediate_size"]),
            vocabulary=int(fields["vocab_size"]),
            positions=0 if is_rotary else int(fields["max_position_embeddings"]),
            gated=fields.get("model_type") in GATED_KINDS,
            key_width=head_width * int(fields.get("num_key_value_heads") or heads),
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
