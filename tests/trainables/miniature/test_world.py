"""The miniature's data: the same everywhere, parallel over languages, and labelled by the rules that are documented."""

import os
import subprocess
import sys
from typing import Any

import pytest

from spaces.miniature import INTERMEDIATES, LANGUAGES, TARGETS
from spaces.task import Task
from tests.paths import ROOT
from trainables.features.examples import ChoiceExample, PairExample, ParallelPool, SpanExample, TaggingExample
from trainables.miniature.lexicon import LANGUAGE_RELATIONS, LanguageRelation
from trainables.miniature.meaning import CATEGORY_OF, SYNONYM_OF
from trainables.miniature.splits import Split, split_of
from trainables.miniature.world import World, build_tokenizer, build_world, generate_examples

TRAINED = [task for task in TARGETS.values() if task.kind != "retrieval"]
WITH_TESTS = [
    INTERMEDIATES["mnli"],
    INTERMEDIATES["squad2"],
    INTERMEDIATES["hellaswag"],
    INTERMEDIATES["ccg"],
    *TRAINED,
]

SPLITS: tuple[Split, ...] = ("train", "dev", "test")

DIGEST = """
import hashlib
from spaces.miniature import INTERMEDIATES, TARGETS
from trainables.miniature.corpus import corpus
from trainables.miniature.world import examples, world
here = world(3)
rows = [examples(here, TARGETS[name], "dev", "qfa") for name in ("pawsx", "udpos", "xquad", "tatoeba")]
rows += [examples(here, INTERMEDIATES["cosmosqa"], "dev", "en"), list(corpus(here.lexicon, 3, 50))]
rows += [here.lexicon.vocabulary(), here.fingerprint]
print(hashlib.sha256(repr(rows).encode()).hexdigest())
"""


def by_name(task: Task) -> str:
    return task.name


def text_of(example: object) -> str:
    """Everything of an example that an encoder reads."""
    match example:
        case PairExample(first, second):
            return f"{first} {second}"
        case TaggingExample(words):
            return " ".join(words)
        case SpanExample(_, question, context):
            return f"{context} {question}"
        case ChoiceExample(context, question, options):
            return " ".join((context, question, *options))
    raise AssertionError(example)


def rows_of(here: World, task: Task, split: Split, language: str) -> list[Any]:
    """The examples of a task that is not retrieval."""
    rows = generate_examples(here, task, split, language)
    assert isinstance(rows, list)
    return rows


def test_the_world_does_not_depend_on_the_hash_seed() -> None:
    """Two other processes, in each of which Python hashes strings in its own way, draw the same world."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (process.communicate()[0] for process in processes)
    assert len(one.strip()) == 64 and one == other


def test_another_seed_is_another_lexicon() -> None:
    one, two = build_world(0).lexicon, build_world(1).lexicon
    assert one.words["en"] == two.words["en"]
    for relation in LANGUAGE_RELATIONS:
        assert one.words[relation.language] != two.words[relation.language]
    assert one.classes != two.classes
    assert one.products != two.products


def test_fingerprints_differ_by_seed_and_by_null() -> None:
    assert len({build_world(0).fingerprint, build_world(1).fingerprint, build_world(0, null=True).fingerprint}) == 3


def test_the_data_of_seed_0_are_the_published_ones() -> None:
    """If this fails, seeds generate other data than before, and old results are of another world: renew the line."""
    assert build_world(0).fingerprint == "cab2bed8346d2ad3"


@pytest.mark.parametrize("relation", LANGUAGE_RELATIONS, ids=lambda relation: relation.language)
def test_languages_keep_the_planned_share_of_words(relation: LanguageRelation) -> None:
    words = build_world(5).lexicon.words
    own, source = words[relation.language], words[relation.source]
    content = [*CATEGORY_OF, *set(CATEGORY_OF.values())]
    kept = sum(own[noun] == source[noun] for noun in content) / len(content)
    assert kept == pytest.approx(relation.word_share, abs=0.05)


def test_no_word_means_two_things() -> None:
    """Within a language words differ; across languages they only agree where the concept does."""
    meanings: dict[str, str] = {}
    for language, words in build_world(0).lexicon.words.items():
        assert len(set(words.values())) == len(words), language
        for concept, word in words.items():
            assert meanings.setdefault(word, concept) == concept


@pytest.mark.parametrize("task", TRAINED, ids=by_name)
def test_tests_are_parallel(task: Task) -> None:
    """Same labels and lengths everywhere, and word by word a translation of the English item."""
    here = build_world(0)
    there = {language: rows_of(here, task, "test", language) for language in LANGUAGES}
    for language, rows in there.items():
        back = {word: concept for concept, word in here.lexicon.words[language].items()}
        for english, row in zip(there["en"], rows, strict=True):
            read = [back[word.partition("-")[0]] for word in text_of(row).split()]
            assert sorted(read) == sorted(text_of(english).split())
            if isinstance(row, PairExample | ChoiceExample):
                assert row.label == english.label
    assert text_of(there["qfa"][0]) != text_of(there["en"][0])


@pytest.mark.parametrize("name", ["mnli", "qqp"])
def test_translated_training_rows_are_parallel(name: str) -> None:
    here, task = build_world(0), INTERMEDIATES[name]
    back = {word: concept for concept, word in here.lexicon.words["qma"].items()}
    english, foreign = rows_of(here, task, "train", "en"), rows_of(here, task, "train", "qma")
    for one, other in zip(english, foreign, strict=True):
        read = [back[word.partition("-")[0]] for word in text_of(other).split()]
        assert sorted(read) == sorted(text_of(one).split())
        assert one.label == other.label


@pytest.mark.parametrize("task", WITH_TESTS, ids=by_name)
def test_no_item_of_dev_or_test_is_in_training(task: Task) -> None:
    here = build_world(0)
    train, dev, test = ({text_of(row) for row in rows_of(here, task, split, "en")} for split in SPLITS)
    assert not (train & dev or train & test or dev & test)
    assert len(test) == len(rows_of(here, task, "test", "en")), "an item stands twice"


def test_no_test_item_of_a_target_is_in_the_training_of_an_intermediate_task() -> None:
    here = build_world(0)
    for target, source in (("xnli", "mnli"), ("xnli", "anli"), ("udpos", "ccg"), ("xquad", "squad"), ("mlqa", "squad")):
        train = {text_of(row) for row in rows_of(here, INTERMEDIATES[source], "train", "en")}
        assert not train & {text_of(row) for row in rows_of(here, TARGETS[target], "test", "en")}


def test_targets_that_share_a_training_read_the_same_one() -> None:
    here = build_world(0)
    for split in ("train", "dev"):
        assert rows_of(here, TARGETS["xquad"], split, "en") == rows_of(here, TARGETS["mlqa"], split, "en")
    assert rows_of(here, TARGETS["xquad"], "test", "en") != rows_of(here, TARGETS["mlqa"], "test", "en")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no language 'xx'; it has en, qna"):
        rows_of(build_world(0), TARGETS["xnli"], "test", "xx")


@pytest.mark.parametrize("name", ["tatoeba", "bucc"])
@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"en"}))
def test_pools_are_translations_that_share_no_word_but_the_agent(name: str, language: str) -> None:
    here = build_world(2)
    pool = generate_examples(here, TARGETS[name], "test", language)
    assert isinstance(pool, ParallelPool)
    assert len(set(pool.candidates)) == len(pool.candidates)
    back = {word: concept for concept, word in here.lexicon.words[language].items()}
    for query, gold in zip(pool.queries, pool.gold, strict=True):
        words = query.split()
        read = sorted(back[word.partition("-")[0]] for word in words)
        assert {word for word in words if back[word.partition("-")[0]] == word} <= {
            "Anna",
            "Ben",
            "Clara",
            "never",
            ".",
        }
        if gold >= 0:
            found = pool.candidates[gold].split()
            free = [SYNONYM_OF.get(word, word) for word in found]
            assert read == sorted(found if TARGETS[name].retrieval_mode == "mine" else free)
    lone = sum(gold < 0 for gold in pool.gold)
    assert lone == (100 if TARGETS[name].retrieval_mode == "mine" else 0)
    assert len(pool.candidates) == len(pool.queries)


def test_splits_divide_texts() -> None:
    found = [split_of(f"sentence {number}") for number in range(800)]
    assert 0.65 < found.count("train") / 800 < 0.85
    assert min(found.count("dev"), found.count("test")) > 60


def test_the_vocabulary_has_every_word_of_every_test() -> None:
    here = build_world(0)
    words = build_tokenizer(here)
    for task in TRAINED:
        for language in LANGUAGES:
            for row in rows_of(here, task, "test", language):
                assert words.unk_token_id not in words(text_of(row))["input_ids"]
