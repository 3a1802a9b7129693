"""Span extraction: the answer to a question is a stretch of the context, or nothing (SQuAD and its kin)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import SpanExample
from trainables.features.features import Feature, Tensors
from trainables.kinds.kind import ScoreParts
from trainables.models.encoder import Encoder
from trainables.scoring.answers import score_answers, score_each_answer

LONGEST_ANSWER = 30  # sub-tokens, as in the published scripts


@dataclass(frozen=True, slots=True)
class SpanGuess:
    """The best span of one window: characters of the context, and how much it beats the window's `no answer`."""

    start: int
    stop: int
    logit: float
    no_answer_logit: float


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SpanExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Windows over the context that share `stride` sub-tokens; the target is (start, end), (0, 0) where no answer is.

    Position 0 is the first special token, which stands for `no answer in this window`. Where questions may be so long
    that windows could not share so much, they share three quarters of the room that the longest question leaves.
    """
    if not examples:
        return []
    half = recipe.max_length // 2
    room = recipe.max_length - half - tokenizer.num_special_tokens_to_add(pair=True)
    coded = tokenizer(
        _cut_questions(tokenizer, examples, half),
        [example.context for example in examples],
        truncation="only_second",
        max_length=recipe.max_length,
        stride=min(recipe.stride, 3 * room // 4),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    types = coded.get("token_type_ids")
    owners = coded["overflow_to_sample_mapping"]
    features = []
    for window, i in enumerate(owners):
        offsets = np.array(coded["offset_mapping"][window], dtype=np.int32)
        inside = np.array([segment == 1 for segment in coded.sequence_ids(window)])
        first = window == 0 or owners[window - 1] != i
        last = window + 1 == len(owners) or owners[window + 1] != i
        features.append(
            Feature(
                example=i,
                rows=(np.array(coded["input_ids"][window], dtype=np.int32),),
                types=None if types is None else (np.array(types[window], dtype=np.int32),),
                target=_find_target(examples[i], offsets, inside, first=first, last=last),
                marks=(np.where(inside, 1, -1).astype(np.int32),),
                origin=offsets,
            )
        )
    return features


def _cut_questions(tokenizer: PreTrainedTokenizerBase, examples: Sequence[SpanExample], most: int) -> list[str]:
    """The questions without blanks around them, cut where they have more than `most` sub-tokens."""
    questions = [example.question.strip() for example in examples]
    coded = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [_cut_text(tokenizer, *question, most) for question in zip(questions, coded, strict=True)]


def _cut_text(tokenizer: PreTrainedTokenizerBase, text: str, offsets: Sequence[tuple[int, int]], most: int) -> str:
    """The text up to the first sub-token that is too many; what is left may then have other sub-tokens than before."""
    while len(offsets) > most:
        text = text[: min(offsets[most][0], len(text) - 1)]
        offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return text


def _find_target(
    example: SpanExample, offsets: np.ndarray, inside: np.ndarray, *, first: bool, last: bool
) -> np.ndarray:
    """First and last position of the first answer in this window, or (0, 0) where the window does not have all of it.

    `first` and `last` say that the context begins or ends in this window. No sub-token need cover the characters at
    the answer's ends: tokenizers drop blanks, marks of direction, some of them accents.
    """
    if example.answers:
        start = example.starts[0]
        stop = start + len(example.answers[0])
        covered = np.flatnonzero(inside & (offsets[:, 1] > start) & (offsets[:, 0] < stop))
        context = offsets[inside]
        if len(covered) and (first or context[0, 0] <= start) and (last or context[-1, 1] >= stop):
            return np.array([covered[0], covered[-1]], dtype=np.int32)
    return np.zeros(2, dtype=np.int32)


class SpanHead(nn.Module):
    """Start and end logit of every position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, 2)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Hidden states (batch, length, width) to logits (batch, length, 2), minus infinity outside the context."""
        logits: torch.Tensor = self.out(hidden)
        allowed = batch["marks"] == 1
        allowed[:, 0] = True
        return logits.masked_fill(~allowed.unsqueeze(-1), -1e4)


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Two outputs per position."""
    return SpanHead(encoder.width)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Mean of the cross-entropies of start and end over the positions."""
    start = nn.functional.cross_entropy(logits[..., 0], batch["target"][:, 0])
    end = nn.functional.cross_entropy(logits[..., 1], batch["target"][:, 1])
    return (start + end) / 2


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Two distributions per window, over its positions: of the start and of the end."""
    return torch.cat([logits[..., 0], logits[..., 1]])


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[SpanGuess]:
    """The best span of each window: start <= end, at most LONGEST_ANSWER sub-tokens, inside the context."""
    start, end = logits[..., 0], logits[..., 1]
    pairs = start[:, 1:, None] + end[:, None, 1:]
    length = pairs.shape[1]
    band = torch.ones(length, length, dtype=torch.bool, device=pairs.device).triu().tril(LONGEST_ANSWER - 1)
    best, place = pairs.masked_fill(~band, -torch.inf).flatten(1).max(-1)
    none = (start[:, 0] + end[:, 0]).tolist()
    guesses = []
    for i, (feature, value, spot) in enumerate(zip(features, best.tolist(), place.tolist(), strict=True)):
        first, last = divmod(spot, length)
        offsets = feature.origin
        # A window without context (cut away) has no span to offer: its offsets would point into the question.
        real = feature.marks is not None and feature.marks[0][first + 1] == 1 and feature.marks[0][last + 1] == 1
        begin, stop = (int(offsets[first + 1][0]), int(offsets[last + 1][1])) if real else (0, 0)
        guesses.append(SpanGuess(begin, stop, value if real else -np.inf, none[i]))
    return guesses


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[SpanGuess], examples: Sequence[SpanExample]
) -> list[str]:
    """The answer text per example: the best window's span; empty where `no answer` beats it and the task allows it."""
    best: dict[int, SpanGuess] = {}
    least: dict[int, float] = {}
    for feature, guess in zip(features, guesses, strict=True):
        i = feature.example
        least[i] = min(least.get(i, np.inf), guess.no_answer_logit)
        if i not in best or guess.logit > best[i].logit:
            best[i] = guess
    texts = []
    for i, example in enumerate(examples):
        guess = best[i]
        unanswered = task.has_unanswerable and least[i] > guess.logit
        # Some tokenizers count the blank before a word as a part of it.
        texts.append("" if unanswered else example.context[guess.start : guess.stop].strip())
    return texts


def score(task: Task, examples: Sequence[SpanExample], predictions: Sequence[str], language: str) -> dict[str, float]:
    """Exact match and F1 over words by the rule that the task names; its parts beside them for SQuAD 2.0."""
    return score_answers([example.answers for example in examples], predictions, language, task.answer_script)


def compute_parts(task: Task, examples: Sequence[SpanExample], predictions: Sequence[str], language: str) -> ScoreParts:
    """The mean of a question's official metrics, of one."""
    worth = score_each_answer([example.answers for example in examples], predictions, language, task.answer_script)
    means = [sum(values) / len(values) for values in zip(*(worth[name] for name in task.official_metrics), strict=True)]
    return means, [1] * len(examples)
