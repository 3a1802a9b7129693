"""Multiple choice: one right option among several, each scored on its own."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import ChoiceExample
from trainables.features.features import Feature, Ids, Tensors
from trainables.kinds import pair
from trainables.kinds.kind import IMPOSSIBLE_LOGIT
from trainables.kinds.pooling import PooledHead, count_segments
from trainables.models.encoder import Encoder

# Loss, decoding and scores are those of sentence pairs: the number of the right option is the label.
compute_loss, decode = pair.compute_loss, pair.decode
merge, score, compute_parts = pair.merge, pair.score, pair.compute_parts
per_position = False


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[ChoiceExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per example, with one row per option: context against question and option.

    By a recipe that puts the question beside the context, it is context and question against option. The longer text
    is cut first, at its end. Without a context, the question takes its place.
    """
    firsts, seconds, stops = [], [], [0]
    for example in examples:
        question = example.question if example.context else ""
        first = example.context or example.question
        if question and recipe.question_beside == "context":
            first, question = f"{first} {question}", ""
        for option in example.options:
            firsts.append(first)
            seconds.append(f"{question} {option}".strip())
        stops.append(len(seconds))
    coded = tokenizer(firsts, seconds, truncation="longest_first", max_length=recipe.max_length)
    rows = [np.array(row, dtype=np.int32) for row in coded["input_ids"]]
    types = [np.array(row, dtype=np.int32) for row in coded.get("token_type_ids", ())]
    marks = [pair.segments_of(coded.sequence_ids(i)) for i in range(len(rows))] if profile.pooling == "segments" else []

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


class ChoiceHead(nn.Module):
    """A head with one score per row, regrouped to (batch, options)."""

    def __init__(self, width: int, dropout: float, profile: EncoderProfile) -> None:
        super().__init__()
        self.score = PooledHead(width, 1, dropout, count_segments("choice", profile))

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (batch, options) from hidden states (rows, length, width); missing options: minus infinity."""
        scores: torch.Tensor = self.score(hidden, batch).flatten()
        options = batch["options"]
        return scores[options.clamp(min=0)].masked_fill(options < 0, -torch.inf)


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return a head that scores options."""
    return ChoiceHead(encoder.width, encoder.dropout, profile)


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return one distribution per question, over its options; missing options get a finite logit and probability 0."""
    return logits.clamp(min=IMPOSSIBLE_LOGIT)
