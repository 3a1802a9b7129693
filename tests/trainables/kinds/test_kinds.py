"""Each kind of task from text to features and back to answers."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.encoders import PROFILES, EncoderProfile
from spaces.task import Recipe, Task
from tests.subwords import train_subwords
from trainables.features.examples import (
    ChoiceExample,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from trainables.features.features import IGNORED, collate
from trainables.kinds import KINDS, choice, pair, span, tagging, text
from trainables.kinds.pooling import count_segments, pool_states
from trainables.kinds.span import SpanGuess
from trainables.miniature import world
from trainables.models.encoder import Encoder
from trainables.probes.tag_transfer import average_words

TOKENIZER = world.build_tokenizer(world.build_world())
WORDS = [word for word in TOKENIZER.get_vocab() if word.isalpha()][:40]
BLANKS = train_subwords(["an old town", "who", "an old town"] * 2, 40)  # blanks belong to words
MINIATURE, PRETRAINED = PROFILES["miniature"], PROFILES["pretrained"]
CPU = torch.device("cpu")


def recipe(length: int = 24) -> Recipe:
    return Recipe(steps=10, max_length=length, stride=4)


def task(kind: str, labels: tuple[str, ...] = (), **fields: object) -> Task:
    return Task(name="t", kind=kind, about="", labels=labels, official_metrics=("accuracy",), recipe=recipe(), **fields)  # type: ignore[arg-type]


sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60)


@given(words=sentences, length=st.integers(6, 40))
@settings(max_examples=40)
def test_every_word_of_a_long_sentence_is_tagged_once(words: list[str], length: int) -> None:
    tags = tuple(np.arange(len(words)) % 5)
    example = TaggingExample(tuple(words), tuple(int(tag) for tag in tags))
    features = tagging.encode(TOKENIZER, [example], recipe(length), MINIATURE)
    assert all(len(feature.rows[0]) <= length for feature in features)
    # Logits that say the gold tag at every labelled position must come back as the gold tags.
    guesses = []
    for feature in features:
        batch = collate([feature], TOKENIZER.pad_token_id, per_position=True, device=CPU)
        logits = torch.nn.functional.one_hot(batch["target"].clamp(min=0), 5).float()
        guesses += tagging.decode(logits, batch, [feature])
    assert tagging.merge(task("tagging"), features, guesses, [example]) == [list(example.tags)]


def test_a_word_that_vanishes_becomes_an_unknown_token() -> None:
    example = TaggingExample((WORDS[0], "", WORDS[1]), (1, 2, 3))
    (feature,) = tagging.encode(TOKENIZER, [example], recipe(), MINIATURE)
    assert TOKENIZER.unk_token_id in feature.rows[0]
    assert [tag for tag in feature.target if tag != IGNORED] == [1, 2, 3]


def test_only_the_first_sub_token_has_a_label() -> None:
    suffixed = next(word for word in TOKENIZER.get_vocab() if word.startswith("-"))
    example = TaggingExample((WORDS[0] + suffixed, WORDS[1]), (1, 2))
    (feature,) = tagging.encode(TOKENIZER, [example], recipe(), MINIATURE)
    assert feature.target.tolist() == [IGNORED, 1, IGNORED, 2, IGNORED]


def test_word_means_by_hand() -> None:
    hidden = torch.tensor([[[9.0], [1.0], [3.0], [5.0], [9.0]]])
    words = torch.tensor([[-1, 0, 0, 1, -1]])
    assert average_words(hidden, words)[0, 1:4, 0].tolist() == [2.0, 2.0, 5.0]


def test_word_means_agree_with_a_loop() -> None:
    hidden = torch.randn(3, 7, 4)
    words = torch.tensor([[-1, 0, 0, 1, 2, 2, -1], [-1, 0, 1, 2, 3, -1, -1], [-1, 0, 0, 0, 0, 0, -1]])
    means = average_words(hidden, words)
    for row in range(3):
        for word in range(int(words[row].max()) + 1):
            positions = words[row] == word
            of_word = hidden[row][positions]
            torch.testing.assert_close(means[row][positions], of_word.mean(0).expand(len(of_word), -1))


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


def test_pairs_keep_their_order_and_segments() -> None:
    examples = [PairExample(WORDS[0], WORDS[1], 0), PairExample(" ".join(WORDS[:5]), WORDS[2], 1)]
    features = pair.encode(TOKENIZER, examples, recipe(), MINIATURE)
    assert features[0].marks is not None
    assert features[0].marks[0].tolist() == [-1, 0, -1, -1, 1, -1]
    assert pair.merge(task("pair"), features[::-1], [7, 8], examples) == [8, 7]


def test_a_long_text_is_cut_at_its_end() -> None:
    examples = [TextExample(WORDS[0], 1), TextExample(" ".join(WORDS[:9]), 0)]
    short, long = text.encode(TOKENIZER, examples, recipe(6), MINIATURE)
    assert short.marks is not None and short.marks[0].tolist() == [-1, 0, -1] and short.target == 1
    ids = TOKENIZER.convert_tokens_to_ids(WORDS[:4])
    assert long.rows[0].tolist() == [TOKENIZER.bos_token_id, *ids, TOKENIZER.eos_token_id] and long.target == 0
    assert text.encode(TOKENIZER, examples, recipe(6), PRETRAINED)[0].marks is None


@pytest.mark.parametrize(("profile", "pooled"), [(MINIATURE, [4.0, 6.0]), (PRETRAINED, [9.0, 9.0])])
def test_a_head_on_texts_reads_the_mean_of_their_tokens_or_the_first(
    profile: EncoderProfile, pooled: list[float]
) -> None:
    hidden = torch.tensor([[[9.0, 9.0], [1.0, 3.0], [7.0, 9.0], [5.0, 5.0], [8.0, 8.0]]])
    batch = {"marks": torch.tensor([[-1, 0, 0, -1, -1]])}  # the last position is padding
    assert pool_states(hidden, batch, segments=count_segments("text", profile)).tolist() == [pooled]


def test_texts_are_scored_by_accuracy_and_by_the_mean_f1_of_labels() -> None:
    examples = [TextExample("", label) for label in (0, 0, 0, 1)]
    row, guesses = task("text", ("a", "b")), [0, 0, 1, 1]
    assert text.score(row, examples, guesses, "en") == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx((4 / 5 + 2 / 3) / 2),
    }
    hits, counts = text.compute_parts(row, examples, guesses, "en")
    assert sum(hits) / sum(counts) == 0.75  # type: ignore[arg-type]


def test_choices_have_one_row_per_option() -> None:
    examples = [ChoiceExample("", "q", tuple(WORDS[:3]), 1), ChoiceExample(WORDS[3], "", tuple(WORDS[:3]), 0)]
    features = choice.encode(TOKENIZER, examples, recipe(), MINIATURE)
    assert [len(feature.rows) for feature in features] == [3, 3]


@pytest.mark.parametrize("profile", [MINIATURE, PRETRAINED], ids=lambda profile: profile.name)
def test_choices_may_differ_in_their_number_of_options(profile: EncoderProfile, encoder: Encoder) -> None:
    torch.manual_seed(0)
    head = choice.build_head(encoder, task("choice"), profile).eval()
    encoder.model.eval()
    examples = [ChoiceExample("", "q", tuple(WORDS[:3]), 1), ChoiceExample(WORDS[3], "", tuple(WORDS[4:6]), 0)]

    def logits(examples_of_batch: list[ChoiceExample]) -> torch.Tensor:
        features = choice.encode(TOKENIZER, examples_of_batch, recipe(), profile)
        batch = collate(features, encoder.pad_id, per_position=False, device=encoder.device)
        with torch.inference_mode():
            result: torch.Tensor = encoder.compute_logits(head, batch)
        return result

    together = logits(examples)
    assert together[1, 2] == -torch.inf  # there is no third option
    torch.testing.assert_close(together[0], logits(examples[:1])[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together[1, :2], logits(examples[1:])[0], rtol=1e-4, atol=1e-5)
    loss = KINDS["choice"].compute_loss(together, {"target": torch.tensor([1, 0])})
    assert torch.isfinite(loss)


@pytest.mark.parametrize("profile", [MINIATURE, PRETRAINED], ids=lambda profile: profile.name)
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_answer(kind: str, profile: EncoderProfile, encoder: Encoder) -> None:
    # The same example alone and in a batch with longer ones gets the same logits.
    makers = {
        "pair": lambda n: PairExample(" ".join(WORDS[:n]), WORDS[1], 0),
        "text": lambda n: TextExample(" ".join(WORDS[:n]), 0),
        "choice": lambda n: ChoiceExample(" ".join(WORDS[:n]), "", tuple(WORDS[:3]), 0),
        "tagging": lambda n: TaggingExample(tuple(WORDS[:n]), (0,) * n),
        "span": lambda n: SpanExample("i", WORDS[0], " ".join(WORDS[:n]), (), ()),
        "mlm": lambda n: PassageExample(" ".join(WORDS[:n])),
    }
    row, ops = task(kind, ("a", "b")), KINDS[kind]
    examples = [makers[kind](2), makers[kind](9)]
    features = ops.encode(TOKENIZER, examples, recipe(), profile)
    torch.manual_seed(0)
    head = ops.build_head(encoder, row, profile).eval()
    encoder.model.eval()

    def logits(chosen: list[int]) -> torch.Tensor:
        batch = collate([features[i] for i in chosen], encoder.pad_id, per_position=ops.per_position, device=CPU)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        result: torch.Tensor = head(encoder.model(**inputs).last_hidden_state, batch)
        return result

    alone, together = logits([0])[0], logits([0, 1])[0]
    together = together[: len(alone)]
    if kind == "tagging":  # what special tokens say is never read
        labelled = torch.from_numpy(features[0].target) != IGNORED
        alone, together = alone[labelled], together[labelled]
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)
