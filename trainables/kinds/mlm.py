"""Masked words: guess the words that were hidden in a text (Devlin et al. 2019). It needs no labels in any language."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import PassageExample
from trainables.features.feature_table import FeatureTable
from trainables.features.features import IGNORED, Feature, Ids, Tensors
from trainables.kinds.kind import ScoreParts, token_types_of
from trainables.models.encoder import Encoder
from trainables.models.masked_words import get_word_embeddings
from trainables.scoring.metrics import accuracy

# BERT's shares: of all sub-tokens, those that must be guessed; of these, those that are masked, and those that are
# replaced by another sub-token. The rest stay.
SELECTED_SHARE, MASKED_SHARE, REPLACED_SHARE = 0.15, 0.8, 0.1

TEXTS_PER_CALL = 500  # of the tokenizer: its output for whole articles takes some hundred bytes a sub-token

per_position = True


@dataclass(frozen=True, slots=True)
class WordGuess:
    """The ids of a guessed sub-token and of the right one. Guesses are equal if they guess the same sub-token."""

    word: int
    gold: int = field(compare=False)


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[PassageExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return a feature for each window of at most `max_length` sub-tokens; none for one of special and unknown ones.

    The hidden words are a function of the window alone. So dev has the same ones at every tenth and for every seed;
    training hides others at every step (`build_drawer`).
    """
    ordinary = _list_ordinary_ids(tokenizer)
    features = []
    for start in range(0, len(examples), TEXTS_PER_CALL):
        texts = [example.text for example in examples[start : start + TEXTS_PER_CALL]]
        coded = tokenizer(texts, truncation=True, max_length=recipe.max_length, return_overflowing_tokens=True)
        numbers = coded["overflow_to_sample_mapping"]
        for i, (row, number) in enumerate(zip(coded["input_ids"], numbers, strict=True)):
            ids = np.array(row, dtype=np.int32)
            seed = int.from_bytes(hashlib.sha256(ids.tobytes()).digest()[:8])
            masked = mask_tokens(ids, ordinary, tokenizer.mask_token_id, np.random.default_rng(seed))
            if masked is not None:
                inputs, target = masked
                types = token_types_of(coded, i)
                features.append(Feature(example=start + number, rows=(inputs,), types=types, target=target))
    return features


def _list_ordinary_ids(tokenizer: PreTrainedTokenizerBase) -> NDArray[np.int_]:
    return np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)


def build_drawer(
    tokenizer: PreTrainedTokenizerBase,
) -> Callable[[FeatureTable, int, np.random.Generator], Feature]:
    """Return a function that draws a window of a text and hides words in it anew.

    It is given a table, the number of a feature, which stands for all windows of its text, and the generator of the
    step. So the masks differ between seeds and epochs, and a continued run draws the same ones.
    """
    ordinary = _list_ordinary_ids(tokenizer)

    def draw(table: FeatureTable, index: int, rng: np.random.Generator) -> Feature:
        example = table.examples[index]
        first, end = np.searchsorted(table.examples, [example, example + 1])
        feature = table[int(rng.integers(first, end))]
        ids = np.where(feature.target == IGNORED, feature.rows[0], feature.target)
        masked = mask_tokens(ids, ordinary, tokenizer.mask_token_id, rng)
        assert masked is not None  # a window without ordinary words has no feature
        return dataclasses.replace(feature, rows=masked[:1], target=masked[1])

    return draw


def mask_tokens(ids: Ids, ordinary: NDArray[np.int_], mask: int, rng: np.random.Generator) -> tuple[Ids, Ids] | None:
    """Return ids with some of the `ordinary` ones hidden, and the hidden ids at their positions (IGNORED elsewhere).

    `ordinary` is ascending. At least one id is hidden. Returns None if `ids` has no ordinary id.
    """
    places = np.searchsorted(ordinary, ids)  # np.isin takes a thousand times as long with a large vocabulary
    candidates = np.flatnonzero(ordinary[np.minimum(places, len(ordinary) - 1)] == ids)
    if not len(candidates):
        return None
    selected = candidates[rng.random(len(candidates)) < SELECTED_SHARE]
    if not len(selected):
        selected = rng.choice(candidates, size=1)
    draws = rng.random(len(selected))
    random = rng.choice(ordinary, size=len(selected))
    inputs, target = ids.copy(), np.full_like(ids, IGNORED)
    target[selected] = ids[selected]
    kept_or_random = np.where(draws < MASKED_SHARE + REPLACED_SHARE, random, ids[selected])
    inputs[selected] = np.where(draws < MASKED_SHARE, mask, kept_or_random)
    return inputs, target


class MlmHead(nn.Module):
    """The encoder's own head for masked words, applied to the hidden positions.

    The table of word embeddings is no part of the head, but of the encoder.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.words = encoder.masked_word_head
        self._model = (encoder.model,)  # in a tuple, PyTorch does not register it as a submodule

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (hidden positions, vocabulary), row by row, from hidden states (rows, length, width)."""
        embeddings = get_word_embeddings(self._model[0]).weight
        logits: torch.Tensor = self.words(hidden.flatten(0, 1)[batch["counted"]], embeddings)
        return logits


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return the encoder's head for masked words: it is trained further, and handed on with the encoder."""
    return MlmHead(encoder)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the cross-entropy over all hidden sub-tokens of the batch."""
    return nn.functional.cross_entropy(logits, batch["target"].flatten()[batch["counted"]])


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the logits as they are: one distribution per hidden position, over the vocabulary."""
    return logits


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[list[WordGuess]]:
    """Return the likeliest sub-token at each hidden position of each feature."""
    guesses = iter(logits.argmax(-1).tolist())
    hidden_tokens = (feature.target[feature.target != IGNORED] for feature in features)
    return [[WordGuess(next(guesses), int(gold)) for gold in hidden] for hidden in hidden_tokens]


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[list[WordGuess]], examples: Sequence[PassageExample]
) -> list[list[WordGuess]]:
    """Return the guesses of each text; none for a text without a feature."""
    merged: list[list[WordGuess]] = [[] for _ in examples]
    for feature, guess in zip(features, guesses, strict=True):
        merged[feature.example] = merged[feature.example] + guess
    return merged


def score(
    task: Task, examples: Sequence[PassageExample], predictions: Sequence[list[WordGuess]], language: str
) -> dict[str, float]:
    """Return the accuracy: the share of hidden sub-tokens guessed right."""
    guesses = [guess for prediction in predictions for guess in prediction]
    return {"accuracy": accuracy([guess.gold for guess in guesses], [guess.word for guess in guesses])}


def compute_parts(
    task: Task, examples: Sequence[PassageExample], predictions: Sequence[list[WordGuess]], language: str
) -> ScoreParts:
    """Return the hidden sub-tokens of each text that are guessed right, of all its hidden sub-tokens."""
    hits = [sum(guess.word == guess.gold for guess in guesses) for guesses in predictions]
    return hits, [len(guesses) for guesses in predictions]
