"""The miniature's data: the same everywhere, parallel over languages, and labelled by the documented rules."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from spaces.miniature import INTERMEDIATES, LANGUAGES, TARGETS
from spaces.task import Split, Task
from tests.paths import ROOT
from trainables.features.examples import ChoiceExample, PairExample, SpanExample, TaggingExample, TextExample
from trainables.miniature.corpus import split_of
from trainables.miniature.lexicon import LANGUAGE_RELATIONS, LanguageRelation
from trainables.miniature.meaning import CATEGORY_OF, SYNONYM_OF
from trainables.miniature.world import (
    build_tokenizer,
    build_world,
    compute_fingerprint,
    generate_examples,
    generate_pool,
)

TRAINED = [task for task in TARGETS.values() if task.kind != "retrieval"]
WITH_TESTS = [*(INTERMEDIATES[name] for name in ("mnli", "massive", "squad2", "hellaswag", "ccg")), *TRAINED]

SPLITS: tuple[Split, ...] = ("train", "dev", "test")

DIGEST = """
import hashlib
from spaces.miniature import INTERMEDIATES, TARGETS
from trainables.miniature.corpus import generate_corpus
from trainables.miniature.world import build_world, generate_examples, generate_pool
world = build_world(3)
rows = [generate_examples(world, TARGETS[name], "dev", "qfa") for name in ("pawsx", "udpos", "xquad")]
rows += [generate_pool(world, TARGETS["tatoeba"], "dev", "qfa")]
rows += [generate_examples(world, INTERMEDIATES["cosmosqa"], "dev", "en"), list(generate_corpus(world.lexicon, 3, 50))]
rows += [world.lexicon.vocabulary(), world.fingerprint]
print(hashlib.sha256(repr(rows).encode()).hexdigest())
"""

rows_of: Callable[..., list[Any]] = generate_examples  # untyped: each kind of example has its own fields


def by_name(task: Task) -> str:
    return task.name


def text_of(example: object) -> str:
    """Everything of an example that an encoder reads."""
    match example:
        case PairExample(first, second):
            return f"{first} {second}"
        case TextExample(text):
            return text
        case TaggingExample(words):
            return " ".join(words)
        case SpanExample(_, question, context):
            return f"{context} {question}"
        case ChoiceExample(context, question, options):
            return " ".join((context, question, *options))
    raise AssertionError(example)


def test_the_world_does_not_depend_on_the_hash_seed() -> None:
    """Two processes with different hashes of strings draw the same world."""
    command = [sys.executable, "-c", DIGEST]
    places = [{**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)} for seed in ("1", "2")]
    processes = [subprocess.Popen(command, env=each, stdout=subprocess.PIPE, text=True) for each in places]
    first, second = (process.communicate()[0] for process in processes)
    assert len(first.strip()) == 64 and first == second


def test_another_seed_is_another_lexicon() -> None:
    first, second = build_world(0).lexicon, build_world(1).lexicon
    assert first.words["en"] == second.words["en"]
    for relation in LANGUAGE_RELATIONS:
        assert first.words[relation.language] != second.words[relation.language]
    assert first.classes != second.classes
    assert first.products != second.products


def test_fingerprints_differ_by_seed_and_by_null() -> None:
    assert len({build_world(0).fingerprint, build_world(1).fingerprint, build_world(0, null=True).fingerprint}) == 3


def test_the_data_of_seed_0_are_the_published_ones() -> None:
    """If this fails, seeds generate other data than before, and old results are of another world: update the line."""
    assert build_world(0).fingerprint == "6cdeae4a55afe4e9"


def test_data_sets_that_came_later_have_hashes_of_their_own() -> None:
    """They are in no other hash: stages of former versions keep their keys."""
    world = build_world(0)
    for task in (*INTERMEDIATES.values(), *TARGETS.values()):
        assert (compute_fingerprint(world, task) == world.fingerprint) == (task.kind != "text"), task.name
    tasks, worlds = (INTERMEDIATES["massive"], TARGETS["sib200"]), (world, build_world(1), build_world(0, null=True))
    assert len({compute_fingerprint(each, task) for task in tasks for each in worlds}) == 6
    assert compute_fingerprint(world, TARGETS["sib200"]) == "4b7fa827d50069cf"  # see the test above


@pytest.mark.parametrize("relation", LANGUAGE_RELATIONS, ids=lambda relation: relation.language)
def test_languages_keep_the_planned_share_of_words(relation: LanguageRelation) -> None:
    words = build_world(5).lexicon.words
    own, source = words[relation.language], words[relation.source]
    content = [*CATEGORY_OF, *set(CATEGORY_OF.values())]
    kept = sum(own[noun] == source[noun] for noun in content) / len(content)
    assert kept == pytest.approx(relation.word_share, abs=0.05)


def test_no_word_means_two_things() -> None:
    """Words differ within a language; across languages only words of the same concept agree."""
    meanings: dict[str, str] = {}
    for language, words in build_world(0).lexicon.words.items():
        assert len(set(words.values())) == len(words), language
        for concept, word in words.items():
            assert meanings.setdefault(word, concept) == concept


@pytest.mark.parametrize("task", TRAINED, ids=by_name)
def test_tests_are_parallel(task: Task) -> None:
    """Same labels and lengths everywhere, and word by word a translation of the English item."""
    world = build_world(0)
    by_language = {language: rows_of(world, task, "test", language) for language in LANGUAGES}
    for language, rows in by_language.items():
        concepts = {word: concept for concept, word in world.lexicon.words[language].items()}
        for english, row in zip(by_language["en"], rows, strict=True):
            spoken = [concepts[word.partition("-")[0]] for word in text_of(row).split()]
            assert sorted(spoken) == sorted(text_of(english).split())
            if isinstance(row, PairExample | TextExample | ChoiceExample):
                assert row.label == english.label
    assert text_of(by_language["qfa"][0]) != text_of(by_language["en"][0])


@pytest.mark.parametrize("name", ["mnli", "qqp"])
def test_translated_training_rows_are_parallel(name: str) -> None:
    world, task = build_world(0), INTERMEDIATES[name]
    concepts = {word: concept for concept, word in world.lexicon.words["qma"].items()}
    english, foreign = rows_of(world, task, "train", "en"), rows_of(world, task, "train", "qma")
    for row, translation in zip(english, foreign, strict=True):
        spoken = [concepts[word.partition("-")[0]] for word in text_of(translation).split()]
        assert sorted(spoken) == sorted(text_of(row).split())
        assert row.label == translation.label


@pytest.mark.parametrize("task", WITH_TESTS, ids=by_name)
def test_no_item_of_dev_or_test_is_in_training(task: Task) -> None:
    world = build_world(0)
    train, dev, test = ({text_of(row) for row in rows_of(world, task, split, "en")} for split in SPLITS)
    assert not (train & dev or train & test or dev & test)
    assert len(test) == len(rows_of(world, task, "test", "en")), "an item stands twice"


def test_no_test_item_of_a_target_is_in_the_training_of_an_intermediate_task() -> None:
    world = build_world(0)
    for target, source in (("xnli", "mnli"), ("xnli", "anli"), ("udpos", "ccg"), ("xquad", "squad"), ("mlqa", "squad")):
        train = {text_of(row) for row in rows_of(world, INTERMEDIATES[source], "train", "en")}
        assert not train & {text_of(row) for row in rows_of(world, TARGETS[target], "test", "en")}


def test_targets_that_share_a_training_read_the_same_one() -> None:
    world = build_world(0)
    for split in ("train", "dev"):
        assert rows_of(world, TARGETS["xquad"], split, "en") == rows_of(world, TARGETS["mlqa"], split, "en")
    assert rows_of(world, TARGETS["xquad"], "test", "en") != rows_of(world, TARGETS["mlqa"], "test", "en")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no language 'xx'; it has en, qna"):
        rows_of(build_world(0), TARGETS["xnli"], "test", "xx")


@pytest.mark.parametrize("name", ["tatoeba", "bucc"])
@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"en"}))
def test_pools_are_free_translations_that_share_no_word_but_the_agent(name: str, language: str) -> None:
    world = build_world(2)
    pool = generate_pool(world, TARGETS[name], "test", language)
    assert len(set(pool.candidates)) == len(pool.candidates) == len(pool.queries)
    concepts = {word: concept for concept, word in world.lexicon.words[language].items()}
    for query, gold in zip(pool.queries, pool.gold, strict=True):
        words = {word.partition("-")[0] for word in query.split()}
        spoken = {concepts[word] for word in words}
        assert not spoken & CATEGORY_OF.keys() & words, "a noun has the same word in English"
        if gold >= 0:
            translation = pool.candidates[gold].split()
            assert spoken == {SYNONYM_OF.get(word, word) for word in translation}
            assert words & {*translation} <= {"Anna", "Ben", "Clara", "never", "."}
    assert sum(gold < 0 for gold in pool.gold) == (50 if TARGETS[name].retrieval_mode == "mine" else 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"en"}))
def test_words_in_common_find_no_translation(seed: int, language: str) -> None:
    """Taking the candidate with most words in common is right as often as knowing agent and negation, or less."""
    pool = generate_pool(build_world(seed), TARGETS["tatoeba"], "test", language)
    candidates = [{*candidate.split()} for candidate in pool.candidates]
    found = 0.0
    for query, gold in zip(pool.queries, pool.gold, strict=True):
        common = [len({*query.split()} & candidate) for candidate in candidates]
        best = [index for index, count in enumerate(common) if count == max(common)]
        found += (gold in best) / len(best)
    assert found / len(pool.queries) < 0.08


def test_splits_divide_texts() -> None:
    splits = [split_of(f"sentence {number}") for number in range(800)]
    assert 0.65 < splits.count("train") / 800 < 0.85
    assert min(splits.count("dev"), splits.count("test")) > 60


def test_the_vocabulary_has_every_word_of_every_test() -> None:
    world = build_world(0)
    tokenizer = build_tokenizer(world)
    for task in TRAINED:
        for language in LANGUAGES:
            for row in rows_of(world, task, "test", language):
                assert tokenizer.unk_token_id not in tokenizer(text_of(row))["input_ids"]


@pytest.mark.parametrize("target", ["xnli", "sib200", "xquad", "udpos"])
def test_no_intermediate_task_trains_on_rows_of_a_target(target: str) -> None:
    """Of the texts of a target's training set, at most one in a hundred comes again in a task's, by chance."""
    world = build_world()
    own = {text_of(example) for example in rows_of(world, TARGETS[target], "train", "en")}
    for task in INTERMEDIATES.values():
        if task.kind == TARGETS[target].kind:  # other kinds read other texts
            shared = own & {text_of(example) for example in rows_of(world, task, "train", "en")}
            assert len(shared) <= len(own) / 100, (task.name, sorted(shared)[:3])
