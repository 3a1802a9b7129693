"""Sentence embeddings in any layer: the mean hidden state of all tokens, special tokens included, or the first one.

Only the direction matters, because embeddings are compared by cosine.
"""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from spaces.encoders import EncoderProfile
from spaces.errors import UsageError
from spaces.task import Pooling, RetrievalRecipe
from trainables.features.feature_table import FeatureTable
from trainables.features.features import collate
from trainables.models.encoder import Encoder
from trainables.models.encoder_shape import count_layers, count_positions
from trainables.retrieval.token_table import tokenise
from trainables.worker.heartbeat import beat
from trainables.worker.stage_clock import spend

MAX_LENGTH = 512  # sub-tokens, as in the published scripts
# Sub-tokens of a batch, with padding: one pass holds the states of all layers. On the CPU small batches cost nothing,
# and sentences of like lengths come together: a pool of a hundred is then not padded to its longest one.
MAX_BATCH_TOKENS = {"cpu": 1_024, "cuda": 16_384}
MAX_BYTES = 4 * 10**9  # of the vectors of all layers; for larger pools only the paper's layer is read
CACHED_SETS = 4  # sets of sentences: queries and candidates of a test pool and of a dev pool


DEFAULT_READING = RetrievalRecipe()


def official_layer_of(encoder: Encoder, profile: EncoderProfile, reading: RetrievalRecipe = DEFAULT_READING) -> int:
    """Return the official layer: that of the recipe, or else the profile's share of the layers; 0: embeddings' output.

    XTREME reads layer 14 of 24 for Tatoeba, and other depths in proportion. Raises UsageError for an encoder that has
    not as many layers as the recipe counts down from the last one.
    """
    layers = count_layers(encoder.model)
    if reading.below_top is not None:
        if reading.below_top > layers:
            raise UsageError(
                f"the recipe reads the layer {reading.below_top} below the last one, but the encoder has {layers} "
                "layers; take a deeper encoder or --recipe ours."
            )
        return layers - reading.below_top
    return dict(reading.layers).get(layers, round(profile.retrieval_depth * layers))


def select_layers(
    encoder: Encoder, profile: EncoderProfile, sentences: int, reading: RetrievalRecipe = DEFAULT_READING
) -> tuple[int, ...]:
    """Return the layers to read for this number of sentences: all, or only the paper's if all exceed MAX_BYTES."""
    layers = count_layers(encoder.model) + 1
    if 4 * layers * sentences * encoder.width > MAX_BYTES:
        return (official_layer_of(encoder, profile, reading),)
    return tuple(range(layers))


class Embedder:
    """An `embed` for one encoder that caches the last sets: pools in several languages share candidates."""

    def __init__(self, encoder: Encoder, pooling: Pooling = "mean", folder: Path | None = None) -> None:
        self.encoder = encoder
        fixed = functools.partial(embed, encoder, pooling=pooling, folder=folder)
        self._embed = functools.lru_cache(maxsize=CACHED_SETS)(fixed)

    def __call__(self, sentences: tuple[str, ...], layers: tuple[int, ...]) -> torch.Tensor:
        """Return unit vectors (layers, sentences, width), see `embed`."""
        return self._embed(sentences, layers)


def embed(
    encoder: Encoder,
    sentences: Sequence[str],
    layers: Sequence[int],
    *,
    normalise: bool = True,
    pooling: Pooling = "mean",
    folder: Path | None = None,
) -> torch.Tensor:
    """Return unit vectors (layers, sentences, width) on the CPU in float32, at any precision of the encoder.

    They are means over all positions, or the states of the first one. With `normalise=False` their length is kept.
    Every sentence passes through the encoder once, for any number of layers. It is cut at the encoder's number of
    positions. `folder` is where workers share tokenised sentences (token_table.py).
    """
    with spend("tokenising"):
        table = tokenise(encoder.tokenizer, sentences, _find_max_length(encoder), folder)
    vectors = torch.empty(len(layers), len(sentences), encoder.width)
    encoder.model.eval()
    with torch.inference_mode(), encoder.autocast():
        for indices in _iter_batches(table, MAX_BATCH_TOKENS[encoder.device.type]):
            features = [table[i] for i in indices]
            batch = collate(features, encoder.pad_id, per_position=False, device=encoder.device)
            ids, mask = batch["input_ids"], batch["attention_mask"]
            states = encoder.model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            if pooling == "first":
                pooled = torch.stack([states[layer][:, 0].float() for layer in layers])
            else:
                sums = torch.stack([(states[layer].float() * mask.unsqueeze(-1)).sum(1) for layer in layers])
                pooled = sums if normalise else sums / mask.sum(1, keepdim=True)
            pooled = torch.nn.functional.normalize(pooled, dim=-1) if normalise else pooled
            vectors[:, indices] = pooled.cpu()
            beat()
    return vectors


def _find_max_length(encoder: Encoder) -> int:
    """Return the longest input: MAX_LENGTH, or what the model's positions allow, less two as in RoBERTa's tables."""
    named = getattr(encoder.model.config, "max_position_embeddings", None)
    limits = [MAX_LENGTH, count_positions(encoder.model), named - 2 if isinstance(named, int) and named > 2 else None]
    return min(limit for limit in limits if limit is not None)


def _iter_batches(table: FeatureTable, tokens: int) -> Iterator[list[int]]:
    """Yield the indices of batches of at most `tokens` sub-tokens with padding, long sentences first.

    A sentence longer than the limit is a batch of its own.
    """
    order = np.argsort(-table.lengths, kind="stable").tolist()
    while order:
        size = max(1, tokens // len(table[order[0]].rows[0]))
        yield order[:size]
        order = order[size:]
