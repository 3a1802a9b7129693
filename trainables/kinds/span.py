"""Span extraction: the answer to a question is a span of the context, or there is none (SQuAD and its kin)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Decoding, Recipe, Task
from trainables.features.examples import SpanExample
from trainables.features.features import Feature, Tensors
from trainables.kinds.kind import IMPOSSIBLE_LOGIT, ScoreParts
from trainables.kinds.windows import Window, cut_windows, has_most_context
from trainables.models.encoder import Encoder
from trainables.scoring.answers import score_answers, score_each_answer

LONGEST_ANSWER = 30  # sub-tokens, as in the published scripts
LISTED = 20  # likeliest starts and ends of a window, whose pairs the published scripts compare (their n-best size)

# Marks of context sub-tokens: an answer may begin and end there, or, by maximal context, only if it is listed.
BOTH_ENDS, LISTED_END, LISTED_START = 1, 2, 3

per_position = False


@dataclass(frozen=True, slots=True)
class SpanGuess:
    """The best span of one window: its characters in the context, its logit, and the logit of `no answer`."""

    start: int
    stop: int
    logit: float
    no_answer_logit: float


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SpanExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per window of the context (windows.py), with targets (start, end), (0, 0) for no answer.

    Position 0 is the first special token, which stands for `no answer in this window`.
    """
    windows = cut_windows(tokenizer, examples, recipe)
    return [
        feature
        for i, example in enumerate(examples)
        for feature in _build_features(i, example, windows[i], recipe.decoding)
    ]


def _build_features(i: int, example: SpanExample, windows: Sequence[Window], decoding: Decoding) -> Iterator[Feature]:
    """Yield the features of an example's windows."""
    lengths = [int(window.inside.sum()) for window in windows]
    starts = np.cumsum([0, *(length - window.shared for length, window in zip(lengths, windows, strict=True))])
    for number, window in enumerate(windows):
        marks = np.where(window.inside, BOTH_ENDS, -1).astype(np.int32)
        if decoding == "maximal context":
            has_most = has_most_context(number, starts[:-1].tolist(), lengths)
            marks[window.inside] = np.where(has_most, LISTED_START, LISTED_END)
        yield Feature(
            example=i,
            rows=(window.ids,),
            types=window.types,
            target=_find_target(
                example, window.offsets, window.inside, first=number == 0, last=number + 1 == len(windows)
            ),
            marks=(marks,),
            origin=window.offsets,
        )


def _find_target(
    example: SpanExample, offsets: np.ndarray, inside: np.ndarray, *, first: bool, last: bool
) -> np.ndarray:
    """Return the first and last position of the first answer, or (0, 0) if the window does not hold all of it.

    `first` and `last` say that the context begins or ends in this window. The characters at the answer's ends may have
    no sub-token: tokenizers drop blanks and direction marks, and some drop accents.
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
    """A head with a start and an end logit for every position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, 2)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (batch, length, 2) from states (batch, length, width); IMPOSSIBLE_LOGIT outside the context."""
        logits: torch.Tensor = self.out(hidden)
        allowed = batch["marks"] > 0
        allowed[:, 0] = True
        return logits.masked_fill(~allowed.unsqueeze(-1), IMPOSSIBLE_LOGIT)


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return a head with two outputs per position."""
    return SpanHead(encoder.width)


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the mean of the cross-entropies of start and end, over the positions."""
    start = nn.functional.cross_entropy(logits[..., 0], batch["target"][:, 0])
    end = nn.functional.cross_entropy(logits[..., 1], batch["target"][:, 1])
    return (start + end) / 2


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return two distributions per window, over its positions: of the start and of the end."""
    return torch.cat([logits[..., 0], logits[..., 1]])


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[SpanGuess]:
    """Return the best span of each window: start <= end, at most LONGEST_ANSWER sub-tokens, inside the context.

    By maximal context, the start is a sub-token that has most context in this window, and both ends are among the
    LISTED likeliest ones of the window.
    """
    start, end = logits[..., 0], logits[..., 1]
    marks = batch["marks"][:, 1:]
    pairs = (
        start[:, 1:].masked_fill((marks == LISTED_END) | _is_unlisted(start, marks), -torch.inf)[:, :, None]
        + end[:, 1:].masked_fill(_is_unlisted(end, marks), -torch.inf)[:, None]
    )
    length = pairs.shape[1]
    band = torch.ones(length, length, dtype=torch.bool, device=pairs.device).triu().tril(LONGEST_ANSWER - 1)
    best, index = pairs.masked_fill(~band, -torch.inf).flatten(1).max(-1)
    no_answer = (start[:, 0] + end[:, 0]).tolist()
    guesses = []
    for i, (feature, logit, flat) in enumerate(zip(features, best.tolist(), index.tolist(), strict=True)):
        first, last = (position + 1 for position in divmod(flat, length))
        # A window whose context was cut away has no span: its offsets would point into the question.
        is_span = feature.marks is not None and feature.marks[0][first] > 0 and feature.marks[0][last] > 0
        is_span = is_span and logit > -np.inf
        begin, stop = (int(feature.origin[first][0]), int(feature.origin[last][1])) if is_span else (0, 0)
        guesses.append(SpanGuess(begin, stop, logit if is_span else -np.inf, no_answer[i]))
    return guesses


def _is_unlisted(logits: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Return (windows, positions after the first) whether a listed position is not among the LISTED likeliest ones."""
    least = logits.topk(min(LISTED, logits.shape[1])).values[:, -1:]
    return (marks > BOTH_ENDS) & (logits[:, 1:] < least)


def merge(
    task: Task, features: Sequence[Feature], guesses: Sequence[SpanGuess], examples: Sequence[SpanExample]
) -> list[str]:
    """Return the answer of each example: the best window's span, or "" where the task allows it and no answer wins."""
    best: dict[int, SpanGuess] = {}
    no_answer: dict[int, float] = {}  # the lowest logit of `no answer` in any window
    for feature, guess in zip(features, guesses, strict=True):
        i = feature.example
        no_answer[i] = min(no_answer.get(i, np.inf), guess.no_answer_logit)
        if i not in best or guess.logit > best[i].logit:
            best[i] = guess
    answers = []
    for i, example in enumerate(examples):
        guess = best[i]
        is_unanswered = task.has_unanswerable and no_answer[i] > guess.logit
        # Some tokenizers count the blank before a word as a part of it.
        answers.append("" if is_unanswered else example.context[guess.start : guess.stop].strip())
    return answers


def score(task: Task, examples: Sequence[SpanExample], predictions: Sequence[str], language: str) -> dict[str, float]:
    """Return exact match and word F1 by the task's answer script; for SQuAD 2.0 with the scores of its two parts."""
    return score_answers([example.answers for example in examples], predictions, language, task.answer_script)


def compute_parts(task: Task, examples: Sequence[SpanExample], predictions: Sequence[str], language: str) -> ScoreParts:
    """Return the mean of each question's official metrics, of 1."""
    scores = score_each_answer([example.answers for example in examples], predictions, language, task.answer_script)
    by_question = zip(*(scores[name] for name in task.official_metrics), strict=True)
    return [sum(values) / len(values) for values in by_question], [1] * len(examples)
