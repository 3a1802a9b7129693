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
from trainables.kinds.kind import ScoreParts
from trainables.models.encoder import Encoder
from trainables.scoring.metrics import accuracy, chunk_f1, count_chunks, mark_hits


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[TaggingExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """One feature per sentence, or several where it is longer than `max_length`; words are never split over two.

    The label of a word is that of its first sub-token. A word that the tokenizer makes vanish becomes one unknown
    token, so that every word gets a prediction (as in XTREME's own script).
    """
    if not examples:
        return []
    before, after = (ids[:1] for ids in _find_special_tokens(tokenizer))
    room = recipe.max_length - 2
    coded = tokenizer([list(example.words) for example in examples], is_split_into_words=True, add_special_tokens=False)
    features = []
    for i, example in enumerate(examples):
        pieces: list[list[int]] = [[] for _ in example.words]
        for token, word in zip(coded["input_ids"][i], coded.word_ids(i), strict=True):
            pieces[word].append(token)
        pieces = [(ids or [tokenizer.unk_token_id])[:room] for ids in pieces]
        start = 0
        while start < len(pieces):
            stop, length = start, 0
            while stop < len(pieces) and length + len(pieces[stop]) <= room:
                length += len(pieces[stop])
                stop += 1
            features.append(_build_feature(i, example, pieces, range(start, stop), before, after))
            start = stop
    return features


def _find_special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens around a sentence: what the tokenizer makes of an empty one, first and last."""
    empty = tokenizer("")["input_ids"]
    if len(empty) != 2:
        raise ValueError(f"the tokenizer must put one token before and one after a text, it gives {len(empty)}.")
    return [empty[0]], [empty[1]]


def _build_feature(
    i: int, example: TaggingExample, pieces: list[list[int]], words: range, before: list[int], after: list[int]
) -> Feature:
    ids, marks, target = list(before), [-1], [IGNORED]
    for place, word in enumerate(words):
        ids += pieces[word]
        marks += [place] * len(pieces[word])
        target += [example.tags[word]] + [IGNORED] * (len(pieces[word]) - 1)
    row = np.array(ids + after, dtype=np.int32)
    return Feature(
        example=i,
        rows=(row,),
        types=None,
        target=np.array([*target, IGNORED], dtype=np.int32),
        marks=(np.array([*marks, -1], dtype=np.int32),),
        origin=np.array(words, dtype=np.int32),
    )


class TagHead(nn.Module):
    """Linear on every position."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, labels)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Hidden states (batch, length, width) to logits (batch, length, labels)."""
        logits: torch.Tensor = self.out(self.dropout(hidden))
        return logits


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """One output per tag and position."""
    return TagHead(encoder.width, len(task.labels), encoder.dropout)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Cross-entropy over the first sub-tokens of all words in the batch."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["target"].flatten(), ignore_index=IGNORED)


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """One distribution per word, over the tags: at its first sub-token."""
    return logits.flatten(0, 1)[batch["counted"]]


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[list[int]]:
    """The likeliest tag id of each word of each feature."""
    words = batch["marks"].numpy(force=True)
    first = (words >= 0) & (words != np.roll(words, 1, axis=1))  # a word's first sub-token; column 0 is a special one
    return [row[begins].tolist() for row, begins in zip(logits.argmax(-1).numpy(force=True), first, strict=True)]


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[list[int]], examples: Sequence[TaggingExample]
) -> list[list[int]]:
    """Tags per sentence, with the parts of long sentences put together again."""
    merged = [[-1] * len(example.words) for example in examples]
    for feature, tags in zip(features, guesses, strict=True):
        words = feature.origin  # neighbours
        merged[feature.example][words[0] : words[-1] + 1] = tags
    return merged


def score(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]], language: str
) -> dict[str, float]:
    """Chunk F1 by seqeval's rule (for bare POS tags XTREME's official score) and token accuracy."""
    gold, guess = _name_tags(task, examples, predictions)
    return {
        "f1": chunk_f1(gold, guess),
        "accuracy": accuracy([tag for tags in gold for tag in tags], [tag for tags in guess for tag in tags]),
    }


def compute_parts(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]], language: str
) -> ScoreParts:
    """Of a sentence: twice its right chunks, of the gold and the predicted ones; or its right words, of its words."""
    gold, guess = _name_tags(task, examples, predictions)
    if task.official_metrics == ("f1",):
        return count_chunks(gold, guess)
    return [sum(mark_hits(*pair)) for pair in zip(gold, guess, strict=True)], [len(tags) for tags in gold]


def _name_tags(
    task: Task, examples: Sequence[TaggingExample], predictions: Sequence[list[int]]
) -> tuple[list[list[str]], list[list[str]]]:
    """The tags by name: of the data, and predicted."""
    gold = [[task.labels[tag] for tag in example.tags] for example in examples]
    return gold, [[task.labels[tag] for tag in tags] for tags in predictions]
