"""Masked words: guess the words that were hidden in a text (Devlin et al. 2019). No labels, so any language will do."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import PassageExample
from trainables.features.features import IGNORED, Feature, Ids, Tensors
from trainables.kinds.kind import ScoreParts
from trainables.models.encoder import Encoder
from trainables.models.masked_words import get_word_embeddings
from trainables.scoring.metrics import accuracy

# BERT's rule: of the sub-tokens so many are asked for, of which most are masked, some replaced by another, some kept.
SELECTED_SHARE, MASKED_SHARE, REPLACED_SHARE = 0.15, 0.8, 0.1


@dataclass(frozen=True, slots=True)
class WordGuess:
    """A guessed sub-token and the right one, by id. Guesses are alike where they name the same sub-token."""

    word: int
    gold: int = field(compare=False)


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[PassageExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """One feature per text, cut at `max_length`; a text of nothing but special and unknown tokens gives none.

    What is hidden is a function of the text alone: it is the same in every epoch, at every tenth and for every seed.
    """
    if not examples:
        return []
    coded = tokenizer([example.text for example in examples], truncation=True, max_length=recipe.max_length)
    ordinary = np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)
    types = coded.get("token_type_ids")
    features = []
    for i, row in enumerate(coded["input_ids"]):
        ids = np.array(row, dtype=np.int32)
        seed = hashlib.sha256(ids.tobytes()).digest()[:8]
        hidden = mask_tokens(ids, ordinary, tokenizer.mask_token_id, np.random.default_rng(int.from_bytes(seed)))
        if hidden is None:
            continue
        features.append(
            Feature(
                example=i,
                rows=(hidden[0],),
                types=None if types is None else (np.array(types[i], dtype=np.int32),),
                target=hidden[1],
            )
        )
    return features


def mask_tokens(ids: Ids, ordinary: NDArray[np.int_], mask: int, rng: np.random.Generator) -> tuple[Ids, Ids] | None:
    """Ids with some of the `ordinary` ones hidden, and the hidden ones at their places (IGNORED elsewhere).

    At least one is hidden; None if there is none that could be.
    """
    places = np.flatnonzero(np.isin(ids, ordinary))
    if not len(places):
        return None
    asked = places[rng.random(len(places)) < SELECTED_SHARE]
    if not len(asked):
        asked = rng.choice(places, size=1)
    fate = rng.random(len(asked))
    others = rng.choice(ordinary, size=len(asked))
    row, target = ids.copy(), np.full_like(ids, IGNORED)
    target[asked] = ids[asked]
    row[asked] = np.where(fate < MASKED_SHARE, mask, np.where(fate < MASKED_SHARE + REPLACED_SHARE, others, ids[asked]))
    return row, target


class MlmHead(nn.Module):
    """The encoder's own head for masked words on the places that are asked for.

    The table of word embeddings is no part of it, but of the encoder: it is looked at where it is.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.words = encoder.masked_word_head
        self._model = (encoder.model,)  # in a tuple PyTorch does not take it for a part of this module

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Hidden states (rows, length, width) to logits (places asked for, vocabulary), row by row."""
        table = get_word_embeddings(self._model[0]).weight
        logits: torch.Tensor = self.words(hidden.flatten(0, 1)[batch["counted"]], table)
        return logits


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """The head that the encoder brings: it is trained further, and handed on with the encoder."""
    return MlmHead(encoder)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Cross-entropy over all hidden sub-tokens of the batch."""
    return nn.functional.cross_entropy(logits, batch["target"].flatten()[batch["counted"]])


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """The whole vocabulary at each hidden place, as it comes."""
    return logits


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[list[WordGuess]]:
    """The likeliest sub-token at each hidden place of each feature."""
    guesses = iter(logits.argmax(-1).tolist())
    return [[WordGuess(next(guesses), int(right)) for right in select_hidden_tokens(feature)] for feature in features]


def select_hidden_tokens(feature: Feature) -> Ids:
    """The hidden sub-tokens of a feature, in order."""
    found: Ids = feature.target[feature.target != IGNORED]
    return found


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[list[WordGuess]], examples: Sequence[PassageExample]
) -> list[list[WordGuess]]:
    """The guesses of each text; none for a text without a feature."""
    merged: list[list[WordGuess]] = [[] for _ in examples]
    for feature, guess in zip(features, guesses, strict=True):
        merged[feature.example] = guess
    return merged


def score(
    task: Task, examples: Sequence[PassageExample], predictions: Sequence[list[WordGuess]], language: str
) -> dict[str, float]:
    """Accuracy: the share of hidden sub-tokens that are guessed right."""
    guesses = [guess for own in predictions for guess in own]
    return {"accuracy": accuracy([guess.gold for guess in guesses], [guess.word for guess in guesses])}


def compute_parts(
    task: Task, examples: Sequence[PassageExample], predictions: Sequence[list[WordGuess]], language: str
) -> ScoreParts:
    """Of a text: its hidden sub-tokens that are guessed right, of those that are hidden."""
    return (
        [sum(guess.word == guess.gold for guess in guesses) for guesses in predictions],
        [len(guesses) for guesses in predictions],
    )
