"""Answers in a text: windows, what they share, and the best span of all of them."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.task import Recipe
from tests.trainables.kinds.kind_inputs import BLANKS, CPU, MINIATURE, TOKENIZER, WORDS, recipe, task
from trainables.features.examples import (
    SpanExample,
)
from trainables.features.features import collate
from trainables.kinds import span
from trainables.kinds.span import SpanGuess

contexts = st.lists(st.sampled_from(WORDS), min_size=3, max_size=80)


@given(words=contexts, data=st.data())
@settings(max_examples=40)
def test_a_gold_span_is_found_again_in_some_window(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(words) - 1)))
    context, answer = " ".join(words), " ".join(words[first : last + 1])
    start = len(" ".join(words[:first])) + (first > 0)
    example = SpanExample("id", f"{WORDS[0]} ?", context, (answer,), (start,))
    features = span.encode(TOKENIZER, [example], recipe(24), MINIATURE)
    batch = collate(features, TOKENIZER.pad_token_id, per_position=False, device=CPU)
    width = batch["input_ids"].shape[1]
    logits = torch.stack([torch.nn.functional.one_hot(batch["target"][:, i], width) for i in (0, 1)], -1) * 10.0
    logits = torch.where(batch["marks"].unsqueeze(-1) == 1, logits, torch.where(logits > 0, logits, -1e4))
    guesses = span.decode(logits, batch, features)
    answers = span.merge(task("span"), features, guesses, [example])
    assert answers == [answer]


def test_windows_share_their_stride_and_cover_the_context() -> None:
    context = " ".join(WORDS[:40])
    features = span.encode(TOKENIZER, [SpanExample("id", WORDS[0], context, (), ())], recipe(20), MINIATURE)
    covered = {tuple(o) for f in features for o, mark in zip(f.origin, f.marks[0], strict=True) if mark == 1}  # type: ignore[index]
    assert len(features) > 2 and len(covered) == 40
    assert all(len(feature.rows[0]) <= 20 for feature in features)


@pytest.mark.parametrize(("length", "stride", "shared"), [(64, 20, 20), (64, 60, 21), (16, 16, 3)])
def test_neighbouring_windows_share_what_the_recipe_says_or_as_much_as_any_question_leaves(
    length: int, stride: int, shared: int
) -> None:
    # Questions may take half of 64, 4 special tokens are left: 28 for the context, three quarters of which are 21.
    example = SpanExample("id", WORDS[0], " ".join(WORDS * 4), (), ())
    features = span.encode(TOKENIZER, [example], Recipe(steps=1, max_length=length, stride=stride), MINIATURE)
    windows = [feature.origin[feature.marks[0] == 1].tolist() for feature in features if feature.marks]
    assert len(windows) > 2
    for window, following in pairwise(windows):
        assert window[-shared:] == following[:shared] and following[shared] not in window


def test_characters_that_no_sub_token_covers_do_not_cost_the_target() -> None:
    # TyDiQA has an answer that begins with a mark of direction, which tokenizers drop.
    context = f"{WORDS[0]} {WORDS[1]} {WORDS[2]}"
    start = len(WORDS[0])
    for example in (
        SpanExample("id", WORDS[3], context, (f" {WORDS[1]} ",), (start,)),
        SpanExample("id", WORDS[3], f" {WORDS[1]} ", (f" {WORDS[1]} ",), (0,)),
    ):
        (feature,) = span.encode(TOKENIZER, [example], recipe(), MINIATURE)
        first, last = feature.target
        assert example.context[feature.origin[first][0] : feature.origin[last][1]] == WORDS[1]


def test_a_blank_before_a_word_is_no_part_of_an_answer() -> None:
    example = SpanExample("id", "who", "an old town", ("old",), (3,))
    features = span.encode(BLANKS, [example], recipe(), MINIATURE)
    first, last = features[0].target
    start, stop = features[0].origin[first][0], features[0].origin[last][1]
    assert example.context[start:stop] == " old"
    assert span.merge(task("span"), features, [SpanGuess(start, stop, 1.0, 0.0)], [example]) == ["old"]


def test_a_question_of_few_characters_may_have_many_sub_tokens() -> None:
    # The normaliser writes this one character out: 18 letters and blanks.
    example = SpanExample("id", "\ufdfa" * 8, "an old town " * 20, (), ())
    features = span.encode(BLANKS, [example], recipe(), MINIATURE)
    assert len(features) > 1 and all(len(feature.rows[0]) == 24 for feature in features[:-1])
    assert all(feature.marks is not None and (feature.marks[0] == 1).sum() >= 8 for feature in features[:-1])


def test_a_window_without_the_answer_points_at_the_first_token() -> None:
    context = " ".join(WORDS[:40])
    example = SpanExample("id", WORDS[0], context, (WORDS[39],), (context.index(WORDS[39]),))
    targets = [f.target.tolist() for f in span.encode(TOKENIZER, [example], recipe(20), MINIATURE)]
    assert targets[0] == [0, 0] and targets[-1] != [0, 0]


def test_a_question_that_fills_the_window_is_cut() -> None:
    example = SpanExample("id", " ".join(WORDS), WORDS[3], (WORDS[3],), (0,))
    features = span.encode(TOKENIZER, [example], recipe(16), MINIATURE)
    assert len(features) == 1 and features[0].target.tolist() != [0, 0]


@pytest.mark.parametrize(
    ("answers", "none", "expected"),
    [("squad2", 5.0, ""), ("squad2", -5.0, "ab"), ("squad1", 5.0, "ab"), ("mlqa", 5.0, "ab")],
)
def test_no_answer_only_where_the_task_allows_it(answers: str, none: float, expected: str) -> None:
    example = SpanExample("id", "q", "ab cd", (), ())
    feature = span.encode(TOKENIZER, [example], recipe(), MINIATURE)[0]
    predictions = span.merge(task("span", answer_script=answers), [feature], [SpanGuess(0, 2, 1.0, none)], [example])
    assert predictions == [expected]


def test_the_task_says_whose_rule_scores_its_answers() -> None:
    example = SpanExample("id", "q", "Der Hund", ("Der Hund",), (0,))
    for answers, exact in (("squad1", 0.0), ("squad2", 0.0), ("mlqa", 1.0)):
        scores = span.score(task("span", answer_script=answers), [example], ["ein Hund"], "de")
        assert scores["exact_match"] == exact
        assert ("has_answer_f1" in scores) == (answers == "squad2")


def test_the_best_window_wins() -> None:
    example = SpanExample("id", "q", "ab cd", (), ())
    feature = span.encode(TOKENIZER, [example], recipe(), MINIATURE)[0]
    guesses = [SpanGuess(0, 2, 1.0, 0.0), SpanGuess(3, 5, 2.0, 0.0)]
    assert span.merge(task("span"), [feature, feature], guesses, [example]) == ["cd"]
