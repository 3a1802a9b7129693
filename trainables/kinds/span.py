"""Span extraction: the answer to a question is a span of the context, or there is none (SQuAD and its kin)."""

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
from trainables.kinds.kind import IMPOSSIBLE_LOGIT, ScoreParts, token_types_of
from trainables.models.encoder import Encoder
from trainables.scoring.answers import score_answers, score_each_answer

LONGEST_ANSWER = 30  # sub-tokens, as in the published scripts

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
    """Return windows over the context that share `stride` sub-tokens, with targets (start, end), (0, 0) for no answer.

    Position 0 is the first special token, which stands for `no answer in this window`. Questions are cut at half of
    `max_length`. Where windows beside the longest question could not share `stride` sub-tokens, they share three
    quarters of the room that it leaves.
    """
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
                types=token_types_of(coded, window),
                target=_find_target(examples[i], offsets, inside, first=first, last=last),
                marks=(np.where(inside, 1, -1).astype(np.int32),),
                origin=offsets,
            )
        )
    return features


def _cut_questions(tokenizer: PreTrainedTokenizerBase, examples: Sequence[SpanExample], limit: int) -> list[str]:
    """Return the questions, stripped of blanks and cut to at most `limit` sub-tokens."""
    questions = [example.question.strip() for example in examples]
    offsets = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [_cut_text(tokenizer, *question, limit) for question in zip(questions, offsets, strict=True)]


def _cut_text(tokenizer: PreTrainedTokenizerBase, text: str, offsets: Sequence[tuple[int, int]], limit: int) -> str:
    """Return the text cut before its first sub-token beyond `limit`, repeatedly: a cut text may split differently."""
    while len(offsets) > limit:
        text = text[: min(offsets[limit][0], len(text) - 1)]
        offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return text


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
        allowed = batch["marks"] == 1
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
    """Return the best span of each window: start <= end, at most LONGEST_ANSWER sub-tokens, inside the context."""
    start, end = logits[..., 0], logits[..., 1]
    pairs = start[:, 1:, None] + end[:, None, 1:]
    length = pairs.shape[1]
    band = torch.ones(length, length, dtype=torch.bool, device=pairs.device).triu().tril(LONGEST_ANSWER - 1)
    best, index = pairs.masked_fill(~band, -torch.inf).flatten(1).max(-1)
    no_answer = (start[:, 0] + end[:, 0]).tolist()
    guesses = []
    for i, (feature, logit, flat) in enumerate(zip(features, best.tolist(), index.tolist(), strict=True)):
        first, last = (position + 1 for position in divmod(flat, length))
        # A window whose context was cut away has no span: its offsets would point into the question.
        is_span = feature.marks is not None and feature.marks[0][first] == 1 and feature.marks[0][last] == 1
        begin, stop = (int(feature.origin[first][0]), int(feature.origin[last][1])) if is_span else (0, 0)
        guesses.append(SpanGuess(begin, stop, logit if is_span else -np.inf, no_answer[i]))
    return guesses


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
