"""Windows over long contexts, each beside the whole question, and which window has most context around a sub-token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import BatchEncoding, PreTrainedTokenizerBase

from spaces.task import Recipe
from trainables.features.examples import SpanExample
from trainables.features.features import Ids
from trainables.kinds.kind import token_types_of


@dataclass(frozen=True, slots=True)
class Window:
    """One window: ids, types, the characters that each position covers, and whether it is in the context.

    `shared` is the number of context sub-tokens that it has in common with the next window.
    """

    ids: Ids
    types: tuple[Ids, ...] | None
    offsets: Ids
    inside: np.ndarray
    shared: int


def cut_windows(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SpanExample], recipe: Recipe
) -> list[list[Window]]:
    """Return the windows of each example, in the order of its context.

    Questions are cut at the recipe's limit, or at half of `max_length`. Windows share `stride` sub-tokens, or step by
    as many. Where windows beside the longest question could not share `stride` sub-tokens, they share three quarters of
    the room that it leaves.
    """
    limit = recipe.max_length // 2 if recipe.question_limit is None else recipe.question_limit
    questions = _cut_questions(tokenizer, examples, limit)
    if recipe.windows == "share":
        room = recipe.max_length - limit - tokenizer.num_special_tokens_to_add(pair=True)
        groups = {min(recipe.stride, 3 * room // 4): list(range(len(examples)))}
    else:
        groups = _group_by_overlap(tokenizer, questions, recipe)
    windows: list[list[Window]] = [[] for _ in examples]
    for shared, indices in groups.items():
        coded = tokenizer(
            [questions[i] for i in indices],
            [examples[i].context for i in indices],
            truncation="only_second",
            max_length=recipe.max_length,
            stride=shared,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for row, owner in enumerate(coded["overflow_to_sample_mapping"]):
            windows[indices[owner]].append(_read_window(coded, row, shared))
    return windows


def _read_window(coded: BatchEncoding, row: int, shared: int) -> Window:
    return Window(
        ids=np.array(coded["input_ids"][row], dtype=np.int32),
        types=token_types_of(coded, row),
        offsets=np.array(coded["offset_mapping"][row], dtype=np.int32),
        inside=np.array([segment == 1 for segment in coded.sequence_ids(row)]),
        shared=shared,
    )


def _group_by_overlap(
    tokenizer: PreTrainedTokenizerBase, questions: Sequence[str], recipe: Recipe
) -> dict[int, list[int]]:
    """Return the indices of questions by the number of sub-tokens that windows share when they step by `stride`."""
    coded = tokenizer(list(questions), add_special_tokens=False)["input_ids"]
    room = recipe.max_length - tokenizer.num_special_tokens_to_add(pair=True)
    groups: dict[int, list[int]] = {}
    for i, ids in enumerate(coded):
        groups.setdefault(max(0, room - len(ids) - recipe.stride), []).append(i)
    return groups


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


def has_most_context(number: int, starts: Sequence[int], lengths: Sequence[int]) -> NDArray[np.bool_]:
    """Return for each context sub-token of a window whether no other window has more context around it.

    `starts` and `lengths` are the windows' places in the context, in sub-tokens. The context around a sub-token is the
    smaller number of sub-tokens on its two sides, plus a hundredth of the window's length; of equal windows the first
    one counts (SQuAD's script of BERT, as in XTREME and jiant).
    """
    tokens = np.arange(starts[number], starts[number] + lengths[number])
    ends = np.array(starts) + np.array(lengths) - 1
    left, right = tokens - np.array(starts)[:, None], ends[:, None] - tokens  # (windows, tokens)
    room = np.minimum(left, right)
    context = np.where(room < 0, -np.inf, room + 0.01 * np.array(lengths)[:, None])
    most: NDArray[np.bool_] = context.argmax(axis=0) == number
    return most
