"""Inputs and decoding of each named recipe against cases worked by hand."""

import numpy as np
import pytest
import torch

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from spaces.recipes import choose_recipes
from spaces.task import Recipe, Task
from trainables.features.examples import ChoiceExample, SpanExample
from trainables.features.features import Feature, collate
from trainables.kinds import choice, span
from trainables.kinds.span import BOTH_ENDS, LISTED_END, LISTED_START
from trainables.kinds.windows import has_most_context
from trainables.miniature.tokens import build_word_tokenizer

WORDS = [f"w{i}" for i in range(800)]
TOKENIZER = build_word_tokenizer(WORDS, 512)  # a word is a sub-token; `<s> question </s> </s> context </s>`
FIRST_WORD = TOKENIZER.convert_tokens_to_ids("w0")
PROFILE, CPU = PROFILES["pretrained"], torch.device("cpu")
LONG = SpanExample("q", " ".join(["w1"] * 10), " ".join(WORDS), ("w130",), (len(" ".join(WORDS[:130])) + 1,))


def target(name: str, recipes: str) -> Task:
    return choose_recipes(BENCHMARKS["xtreme"], recipes).targets[name]


def recipe_of(name: str, recipes: str) -> Recipe:
    chosen = choose_recipes(BENCHMARKS["xtreme"], recipes)
    recipe = (chosen.targets if name in chosen.targets else chosen.intermediates)[name].recipe
    assert recipe is not None
    return recipe


def windows_of(recipes: str, example: SpanExample = LONG) -> list[Feature]:
    return span.encode(TOKENIZER, [example], recipe_of("xquad", recipes), PROFILE)


def first_words(features: list[Feature]) -> list[int]:
    """The number of the first word of the context in each window."""
    return [int(feature.rows[0][feature.marks[0] > 0][0]) - FIRST_WORD for feature in features if feature.marks]


@pytest.mark.parametrize(
    ("recipes", "starts"),
    [("ours", [0, 242, 484]), ("jiant", [0, 128, 256, 384, 512]), ("xtreme", [0, 128, 256, 384, 512])],
)
def test_a_context_of_800_gives_three_windows_that_share_or_five_that_step(recipes: str, starts: list[int]) -> None:
    # 384 less 10 of the question and 4 special ones leave 370 sub-tokens of the context to a window.
    features = windows_of(recipes)
    assert first_words(features) == starts
    assert [int((feature.marks[0] > 0).sum()) for feature in features if feature.marks] == [
        min(370, 800 - start) for start in starts
    ]


def test_windows_of_questions_of_different_lengths_keep_their_examples() -> None:
    short = SpanExample("r", "w2", "w3 w4", ("w4",), (3,))
    features = span.encode(TOKENIZER, [short, LONG, short], recipe_of("xquad", "jiant"), PROFILE)
    assert [feature.example for feature in features] == [0, 1, 1, 1, 1, 1, 2]
    # The answer is word 130: 130 places into the first window, and 2 into the second.
    assert [feature.target.tolist() for feature in features[1:3]] == [[13 + 130] * 2, [13 + 2] * 2]
    assert features[3].target.tolist() == [0, 0]


def test_a_start_counts_in_the_window_where_it_has_most_context() -> None:
    # Between the windows of words 0..369 and 128..497, word 248 has 121 words after it in the first and 120 before it
    # in the second; word 249 the other way round. The last window (512..799) takes over from 384..753 at word 633.
    marks = [feature.marks[0] for feature in windows_of("xtreme") if feature.marks]
    owners = [128 * i + np.flatnonzero(row[row > 0] == LISTED_START) for i, row in enumerate(marks)]
    assert [(int(words[0]), int(words[-1])) for words in owners] == [
        (0, 248),
        (249, 376),
        (377, 504),
        (505, 632),
        (633, 799),
    ]
    assert np.concatenate(owners).tolist() == list(range(800))  # every word in exactly one window
    assert set(np.concatenate(marks)) == {-1, LISTED_END, LISTED_START}
    assert {int(mark) for feature in windows_of("ours") for mark in feature.marks[0]} == {-1, BOTH_ENDS}  # type: ignore[index]


def test_of_windows_with_equal_context_the_first_counts_and_length_decides_before() -> None:
    assert has_most_context(0, [0, 1], [4, 4]).tolist() == [
        True,
        True,
        True,
        False,
    ]  # word 2: one word on a side in both
    assert has_most_context(0, [0, 1], [4, 5]).tolist() == [True, True, False, False]  # the second window is longer


def decode(features: list[Feature], starts: dict[tuple[int, int], float], ends: dict[tuple[int, int], float]) -> str:
    """The answer where the logits of (window, word) are these, and -5 elsewhere."""
    batch = collate(features, TOKENIZER.pad_token_id, per_position=False, device=CPU)
    head = span.SpanHead(2)
    head.out.weight.data, head.out.bias.data = torch.eye(2), torch.zeros(2)
    hidden = torch.full((*batch["input_ids"].shape, 2), -5.0)
    for side, logits in enumerate((starts, ends)):
        for (window, word), logit in logits.items():
            offset = int(torch.nonzero(batch["input_ids"][window] == FIRST_WORD + word)[-1])
            hidden[window, offset, side] = logit
    guesses = span.decode(head(hidden, batch), batch, features)
    (answer,) = span.merge(target("xquad", "ours"), features, guesses, [LONG])
    return answer


def test_an_answer_starts_only_where_its_start_has_most_context() -> None:
    # Window 1 is sure of word 130, its third one, which has most context in window 0. That window prefers word 5.
    starts, ends = {(1, 130): 9.0, (0, 5): 3.0}, {(1, 131): 9.0, (0, 7): 3.0}
    assert decode(windows_of("xtreme"), starts, ends) == "w5 w6 w7"
    everywhere = windows_of("xtreme")
    for feature in everywhere:
        assert feature.marks is not None
        feature.marks[0][feature.marks[0] > 0] = BOTH_ENDS
    assert decode(everywhere, starts, ends) == "w130 w131"  # the best span of any window, as in `ours`


def test_only_the_twenty_likeliest_starts_and_ends_are_paired() -> None:
    # The 20 likeliest starts all lie behind the 20 likeliest ends: no pair of them is a span.
    starts = {(0, word): 5.0 for word in range(40, 60)} | {(0, 15): 4.0}
    ends = {(0, word): 5.0 for word in range(20, 40)}
    short = SpanExample("q", LONG.question, " ".join(WORDS[:60]), (), ())
    assert decode(windows_of("jiant", short), starts, ends) == ""
    assert decode(windows_of("ours", short), starts, ends).split()[0] == "w15"


@pytest.mark.parametrize(("recipes", "length"), [("ours", 100), ("jiant", 64), ("xtreme", 64)])
def test_a_long_question_is_cut_at_the_recipes_limit(recipes: str, length: int) -> None:
    (feature,) = windows_of(recipes, SpanExample("q", " ".join(WORDS[:100]), "w300 w301", (), ()))
    tokens = TOKENIZER.convert_ids_to_tokens(feature.rows[0].tolist())
    assert tokens[: length + 3] == ["<s>", *WORDS[:length], "</s>", "</s>"]
    assert tokens[length + 3 :] == ["w300", "w301", "</s>"]


def options_of(name: str, recipes: str, example: ChoiceExample) -> list[str]:
    (feature,) = choice.encode(TOKENIZER, [example], recipe_of(name, recipes), PROFILE)
    return [TOKENIZER.decode(row.tolist()).replace(" ", "") for row in feature.rows]


def test_choices_are_written_as_the_recipe_says() -> None:
    cosmos = ChoiceExample("w1 w2", "w3", ("w4", "w5"), 0)
    assert options_of("cosmosqa", "ours", cosmos) == ["<s>w1w2</s></s>w3w4</s>", "<s>w1w2</s></s>w3w5</s>"]
    assert options_of("cosmosqa", "jiant", cosmos) == ["<s>w1w2w3</s></s>w4</s>", "<s>w1w2w3</s></s>w5</s>"]
    commonsense = ChoiceExample("", "w3", ("w4",), 0)
    for recipes in ("ours", "jiant"):
        assert options_of("csqa", recipes, commonsense) == ["<s>w3</s></s>w4</s>"]
    # HellaSwag's rows are read in parts: the begun sentence is the question (tests/trainables/data).
    parts = ChoiceExample("w1 w2", "w3", ("w4",), 0)
    assert options_of("hellaswag", "jiant", parts) == ["<s>w1w2</s></s>w3w4</s>"]


def test_the_end_of_the_longer_text_is_cut() -> None:
    example = ChoiceExample(" ".join(WORDS[:400]), "w500", ("w600 w601",), 0)
    for recipes, question in (("ours", ["w500"]), ("jiant", [])):
        (feature,) = choice.encode(TOKENIZER, [example], recipe_of("cosmosqa", recipes), PROFILE)
        tokens = TOKENIZER.convert_ids_to_tokens(feature.rows[0].tolist())
        room = 256 - 4 - 2 - len(question)
        assert tokens == ["<s>", *WORDS[:room], "</s>", "</s>", *question, "w600", "w601", "</s>"]
