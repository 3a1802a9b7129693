"""Token tagging: one label per word (POS, named entities, supertags)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import TaggingExample
from trainables.features.features import IGNORED, Feature, Tensors
from trainables.features.template import Template, read_template
from trainables.features.words import prepare_words
from trainables.kinds.kind import ScoreParts
from trainables.models.encoder import Encoder
from trainables.scoring.metrics import accuracy, chunk_f1, count_chunks, mark_hits

per_position = True


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[TaggingExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per sentence, or several if it is longer than `max_length`. No word is split over two.

    Words are encoded as they stand in the sentence (features/words.py). The label of a word is on its first sub-token.
    A word that the tokenizer drops becomes one unknown token, so every word gets a prediction (as in XTREME's own
    script); a tokenizer without an unknown token has its mask or padding there.
    """
    template = read_template(tokenizer)
    room = recipe.max_length - len(template.before) - len(template.after)
    words = prepare_words(tokenizer, [example.words for example in examples])
    coded = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    known = (tokenizer.unk_token_id, tokenizer.mask_token_id, tokenizer.pad_token_id)
    unknown = next(token for token in known if token is not None)
    features = []
    for i, example in enumerate(examples):
        pieces: list[list[int]] = [[] for _ in example.words]
        for token, word in zip(coded["input_ids"][i], coded.word_ids(i), strict=True):
            pieces[word].append(token)
        pieces = [(ids or [unknown])[:room] for ids in pieces]
        start = 0
        while start < len(pieces):
            stop, length = start, 0
            while stop < len(pieces) and length + len(pieces[stop]) <= room:
                length += len(pieces[stop])
                stop += 1
            features.append(_build_feature(i, example, pieces, range(start, stop), template))
            start = stop
    return features


def _build_feature(
    i: int, example: TaggingExample, pieces: list[list[int]], words: range, template: Template
) -> Feature:
    ids: list[int] = []
    marks: list[int] = []
    target: list[int] = []
    for position, word in enumerate(words):
        ids += pieces[word]
        marks += [position] * len(pieces[word])
        target += [example.tags[word]] + [IGNORED] * (len(pieces[word]) - 1)
    before, after = len(template.before), len(template.after)
    return Feature(
        example=i,
        rows=(np.array([*template.before, *ids, *template.after], dtype=np.int32),),
        types=None,
        target=np.array([IGNORED] * before + target + [IGNORED] * after, dtype=np.int32),
        marks=(np.array([-1] * before + marks + [-1] * after, dtype=np.int32),),
        origin=np.array(words, dtype=np.int32),
    )


class TagHead(nn.Module):
    """A linear layer on every position."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, labels)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (batch, length, labels) from hidden states (batch, length, width)."""
        logits: torch.Tensor = self.out(self.dropout(hidden))
        return logits


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return a head with one output per tag and position."""
    return TagHead(encoder.width, len(task.labels), encoder.dropout)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the cross-entropy over the first sub-tokens of all words in the batch."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["target"].flatten(), ignore_index=IGNORED)


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return one distribution per word, over the tags: that of its first sub-token."""
    return logits.flatten(0, 1)[batch["counted"]]


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[list[int]]:
    """Return the likeliest tag id of each word of each feature."""
    words = batch["marks"].numpy(force=True)
    previous = np.pad(words[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    is_first = (words >= 0) & (words != previous)  # first sub-tokens
    tags = logits.argmax(-1).numpy(force=True)
    return [row[mask].tolist() for row, mask in zip(tags, is_first, strict=True)]


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[list[int]], examples: Sequence[TaggingExample]
) -> list[list[int]]:
    """Return the tags of each sentence, with the features of long sentences joined."""
    merged = [[-1] * len(example.words) for example in examples]
    for feature, tags in zip(features, guesses, strict=True):
        words = feature.origin  # consecutive
        merged[feature.example][words[0] : words[-1] + 1] = tags
    return merged


def score(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]], language: str
) -> dict[str, float]:
    """Return chunk F1 by seqeval's rule (for bare POS tags XTREME's official score) and word accuracy."""
    gold, predicted = _name_tags(task, examples, predictions)
    return {
        "f1": chunk_f1(gold, predicted),
        "accuracy": accuracy([tag for tags in gold for tag in tags], [tag for tags in predicted for tag in tags]),
    }


def compute_parts(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]], language: str
) -> ScoreParts:
    """Return, for F1, twice each sentence's right chunks, of its gold and predicted chunks together.

    For accuracy, return its right words, of its words.
    """
    gold, predicted = _name_tags(task, examples, predictions)
    if task.official_metrics == ("f1",):
        return count_chunks(gold, predicted)
    return [sum(mark_hits(*tags)) for tags in zip(gold, predicted, strict=True)], [len(tags) for tags in gold]


def _name_tags(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the names of the gold tags and of the predicted tags."""
    gold = [[task.labels[tag] for tag in example.tags] for example in examples]
    return gold, [[task.labels[tag] for tag in tags] for tags in predictions]
