"""Sentences as vectors: the mean of all their tokens' hidden states, special tokens included, in any layer.

Only the direction of a mean counts, as cosines compare them.
"""

import functools
from collections.abc import Iterator, Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from spaces.encoders import EncoderProfile
from trainables.models.encoder import Encoder
from trainables.worker.heartbeat import beat

MAX_LENGTH = 512  # sub-tokens, as in the published scripts
MAX_BATCH_TOKENS = 16_384  # of a batch, with padding: one pass keeps the states of all layers
SENTENCES_PER_CALL = 8_192  # sentences at once: the ids of a million sentences would take gigabytes
MAX_BYTES = 4 * 10**9  # of the vectors of all layers; larger pools are read in the paper's layer only
CACHED_SETS = 4  # sets of sentences: queries and candidates of a test pool and of a dev pool


def official_layer_of(encoder: Encoder, profile: EncoderProfile) -> int:
    """The paper's layer: 0 is the embeddings' output; XTREME reads 14 of 24, other depths in proportion."""
    return round(profile.retrieval_depth * int(encoder.model.config.num_hidden_layers))


def select_layers(encoder: Encoder, profile: EncoderProfile, sentences: int) -> tuple[int, ...]:
    """The layers that so many sentences are read in: every one, or the paper's alone where all would take too much."""
    layers = int(encoder.model.config.num_hidden_layers) + 1
    if 4 * layers * sentences * encoder.width > MAX_BYTES:
        return (official_layer_of(encoder, profile),)
    return tuple(range(layers))


class Embedder:
    """Embeds sentences with one encoder and remembers the last sets: pools in several languages share candidates."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._embed = functools.lru_cache(maxsize=CACHED_SETS)(functools.partial(embed, encoder))

    def __call__(self, sentences: tuple[str, ...], layers: tuple[int, ...]) -> torch.Tensor:
        """See `embed`."""
        return self._embed(sentences, layers)


def embed(encoder: Encoder, sentences: Sequence[str], layers: Sequence[int], *, normalise: bool = True) -> torch.Tensor:
    """Unit vectors (layers, sentences, width) on the CPU in float32, whatever the encoder computes in.

    Without `unit` they are the means themselves. Every sentence passes through the encoder once, however many layers
    are read.
    """
    vectors = torch.empty(len(layers), len(sentences), encoder.width)
    encoder.model.eval()
    with torch.inference_mode(), encoder.autocast():
        for batch in _make_batches(encoder, sentences):
            rows = [torch.tensor(ids) for _, ids in batch]
            lengths = torch.tensor([len(row) for row in rows], device=encoder.device)
            ids = pad_sequence(rows, batch_first=True, padding_value=encoder.pad_id).to(encoder.device)
            mask = torch.arange(ids.shape[1], device=encoder.device) < lengths[:, None]
            states = encoder.model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
            kept = mask.unsqueeze(-1)
            sums = torch.stack([(states[layer].float() * kept).sum(1) for layer in layers])
            found = torch.nn.functional.normalize(sums, dim=-1) if normalise else sums / lengths[:, None]
            vectors[:, [i for i, _ in batch]] = found.cpu()
            beat()
    return vectors


def _make_batches(encoder: Encoder, sentences: Sequence[str]) -> Iterator[list[tuple[int, list[int]]]]:
    """Indices and ids of sentences in batches of at most MOST_TOKENS, long ones first (little padding)."""
    limit = min(MAX_LENGTH, int(encoder.model.config.max_position_embeddings) - 2)
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    for start in range(0, len(order), SENTENCES_PER_CALL):
        some = order[start : start + SENTENCES_PER_CALL]
        coded = encoder.tokenizer([sentences[i] for i in some], truncation=True, max_length=limit)["input_ids"]
        rows = sorted(zip(some, coded, strict=True), key=lambda row: -len(row[1]))
        while rows:
            size = max(1, MAX_BATCH_TOKENS // len(rows[0][1]))
            yield rows[:size]
            rows = rows[size:]
