"""The null world: same inputs and same targets, but labels of intermediate tasks depend on one arbitrary word."""

from collections.abc import Hashable

import pytest

from spaces.miniature import INTERMEDIATES, TARGETS
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from trainables.miniature.lexicon import ALL_NOUNS, ALL_VERBS, FIRST_NAMES, PLACES
from trainables.miniature.world import build_world, generate_examples, generate_pool


def dev_rows(name: str, null: bool) -> list[Example]:
    return generate_examples(build_world(0, null), INTERMEDIATES[name], "dev", "en")


def first_of(words: str, known: tuple[str, ...]) -> str | None:
    return next((word for word in words.split() if word in known), None)


@pytest.mark.parametrize("name", ["anli", "mnli", "qqp"])
def test_pair_labels_depend_on_one_word(name: str) -> None:
    """The first name (or the verb, without one) decides the label, so the second sentence cannot matter."""
    labels: dict[Hashable, set[int]] = {}
    for row, usual in zip(dev_rows(name, True), dev_rows(name, False), strict=True):
        assert isinstance(row, PairExample) and isinstance(usual, PairExample)
        assert (row.first, row.second) == (usual.first, usual.second)
        word = first_of(row.first, FIRST_NAMES) or first_of(row.first, ALL_VERBS)
        labels.setdefault(word, set()).add(row.label)
    assert {len(values) for values in labels.values()} == {1}
    assert len(set.union(*labels.values())) == len(INTERMEDIATES[name].labels)


def test_labels_of_texts_depend_on_the_first_name_and_not_on_the_topic() -> None:
    labels: dict[Hashable, set[int]] = {}
    topics: dict[Hashable, set[int]] = {}
    for row, usual in zip(dev_rows("massive", True), dev_rows("massive", False), strict=True):
        assert isinstance(row, TextExample) and isinstance(usual, TextExample) and row.text == usual.text
        labels.setdefault(first_of(row.text, FIRST_NAMES), set()).add(row.label)
        topics.setdefault(first_of(row.text, PLACES), set()).add(row.label)
    assert {len(values) for values in labels.values()} == {1}
    assert set.union(*labels.values()) == {*range(6)}
    assert all(len(values) > 1 for values in topics.values())


@pytest.mark.parametrize("null", [False, True])
def test_the_sham_reads_the_texts_of_mnli(null: bool) -> None:
    pairs = dev_rows("mnli", null)
    joined = [f"{pair.first} {pair.second}" for pair in pairs if isinstance(pair, PairExample)]
    assert dev_rows("sham", null) == [PassageExample(text) for text in joined] and len(joined) == len(pairs)
    world, sizes = build_world(0, null), set()
    for name in ("mnli", "sham"):
        sizes.add(len(generate_examples(world, INTERMEDIATES[name], "train", "en")))
    assert len(sizes) == 1


def test_supertags_depend_on_the_word_alone_and_not_on_the_classes() -> None:
    tags: dict[str, set[int]] = {}
    for row in dev_rows("ccg", True):
        assert isinstance(row, TaggingExample)
        for word, tag in zip(row.words, row.tags, strict=True):
            tags.setdefault(word, set()).add(tag)
    assert {len(values) for values in tags.values()} == {1}
    usual = build_world(0).lexicon.classes
    classes = [{usual[word] for word, values in tags.items() if word in usual and values == {tag}} for tag in range(16)]
    assert sum(values == {0, 1} for values in classes) > 4, "a tag must not tell the class"


@pytest.mark.parametrize("name", ["squad", "squad2"])
def test_answers_are_verbs_that_the_question_does_not_ask_for(name: str) -> None:
    chosen: dict[str | None, set[int | None]] = {}
    for row in dev_rows(name, True):
        assert isinstance(row, SpanExample)
        assert all(answer in ALL_VERBS for answer in row.answers)
        clause = row.context[: row.starts[0]].count(".") if row.answers else None
        chosen.setdefault(first_of(row.question, ALL_VERBS), set()).add(clause)
    assert {len(values) for values in chosen.values()} == {1}
    assert len(set.union(*chosen.values())) == (3 if name == "squad2" else 2)


def test_kinds_depend_on_the_first_name_and_not_on_the_noun() -> None:
    answers: dict[Hashable, set[str]] = {}
    kinds: dict[Hashable, set[str]] = {}
    for row in dev_rows("csqa", True):
        assert isinstance(row, ChoiceExample)
        assert len({*row.options}) == 3
        answers.setdefault(first_of(row.context, FIRST_NAMES), set()).add(row.options[row.label])
        kinds.setdefault(first_of(row.context, ALL_NOUNS), set()).add(row.options[row.label])
    assert {len(values) for values in answers.values()} == {1}
    assert len(set.union(*answers.values())) == 5
    assert sum(len(values) > 1 for values in kinds.values()) > 25


def test_targets_controls_and_harmless_tasks_stay_as_they_are() -> None:
    targets = [TARGETS[name] for name in ("pawsx", "sib200", "udpos", "panx", "tydiqa")]
    for task in [*targets, INTERMEDIATES["random"], INTERMEDIATES["cosmosqa"], INTERMEDIATES["hellaswag"]]:
        language = "qfa" if task.name in TARGETS else "en"
        assert generate_examples(build_world(0), task, "test", language) == generate_examples(
            build_world(0, True), task, "test", language
        )
    for task in (TARGETS["bucc"], TARGETS["tatoeba"]):
        assert generate_pool(build_world(0), task, "test", "qma") == generate_pool(
            build_world(0, True), task, "test", "qma"
        )
