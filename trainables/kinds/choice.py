"""Multiple choice: one right option among several, each scored on its own."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import ChoiceExample
from trainables.features.features import Feature, Ids, Tensors, sort_by_example
from trainables.kinds.pair import segments_of
from trainables.kinds.pooling import PooledHead
from trainables.models.encoder import Encoder
from trainables.scoring.metrics import accuracy


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[ChoiceExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """One feature per example with one row per option: context against question and option, the longer one cut."""
    if not examples:
        return []
    firsts, seconds, stops = [], [], [0]
    for example in examples:
        question = example.question if example.context else ""
        for option in example.options:
            firsts.append(example.context or example.question)
            seconds.append(f"{question} {option}".strip())
        stops.append(len(seconds))
    coded = tokenizer(firsts, seconds, truncation="longest_first", max_length=recipe.max_length)
    rows = [np.array(row, dtype=np.int32) for row in coded["input_ids"]]
    types = [np.array(row, dtype=np.int32) for row in coded.get("token_type_ids", ())]
    marks = [segments_of(coded.sequence_ids(i)) for i in range(len(rows))] if profile.pooling == "segments" else []

    def of_example(values: list[Ids], i: int) -> tuple[Ids, ...]:
        return tuple(values[stops[i] : stops[i + 1]])

    return [
        Feature(
            example=i,
            rows=of_example(rows, i),
            types=of_example(types, i) or None,
            target=np.array(example.label, dtype=np.int32),
            marks=of_example(marks, i) or None,
        )
        for i, example in enumerate(examples)
    ]


IMPOSSIBLE_LOGIT = -1e4  # the logit of what cannot be: of minus infinity there are no differences


class ChoiceHead(nn.Module):
    """One score per row, regrouped to (batch, options)."""

    def __init__(self, width: int, dropout: float, profile: EncoderProfile) -> None:
        super().__init__()
        self.score = PooledHead(width, 1, dropout, profile)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Hidden states (rows, length, width) to logits (batch, options), minus infinity for options that are not."""
        scores: torch.Tensor = self.score(hidden, batch).flatten()
        options = batch["options"]
        return scores[options.clamp(min=0)].masked_fill(options < 0, -torch.inf)


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """A scorer of options."""
    return ChoiceHead(encoder.width, encoder.dropout, profile)


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """One distribution per question, over its options; those that are not have a finite logit and probability 0."""
    return logits.clamp(min=IMPOSSIBLE_LOGIT)


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[int], examples: Sequence[ChoiceExample]
) -> list[int]:
    """One feature is one example: the guesses in the order of the examples."""
    return sort_by_example(features, guesses, len(examples))


def score(task: Task, examples: Sequence[ChoiceExample], predictions: Sequence[int], language: str) -> dict[str, float]:
    """Accuracy."""
    return {"accuracy": accuracy([example.label for example in examples], predictions)}
