"""Shifted targets: two languages in one pair, other words, misspellings; labels and items stay as they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.miniature import TARGETS as MINIATURE
from spaces.space import Space, resolve_axes
from spaces.strata import expand_strata
from spaces.task import Task
from spaces.xtreme import TARGETS
from tests.hub_layout import PAIR, XNLI, examples_of, pair_rows
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.fingerprint import describe_locations
from trainables.data.misspelling import MIN_WORD_LETTERS, MISSPELT_SHARE, misspell
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import PairExample
from trainables.miniature.lexicon import ADJECTIVES, VERBS

Write = Callable[..., Path]
MIXED, PERTURBED = TARGETS["xnli-mixed"], TARGETS["xnli-perturbed"]
SOURCE = DataSource(benchmark="miniature")


def pairs(task: Task, language: str) -> list[PairExample]:
    return [pair for pair in load_examples(SOURCE, task, "test", language)[0] if isinstance(pair, PairExample)]


def test_english_is_on_one_side_in_both_orders() -> None:
    assert len(MIXED.languages) == 28 and len(TARGETS["pawsx-mixed"].languages) == 12
    sides = {MIXED.split_language(language) for language in MIXED.languages}
    foreign = [language for language in TARGETS["xnli"].languages if language != "en"]
    assert sides == {(language, "en") for language in foreign} | {("en", language) for language in foreign}
    assert set(MIXED.test_languages) == set(TARGETS["xnli"].languages)


@pytest.mark.parametrize("name", ["xnli", "pawsx"])
def test_the_miniature_mixes_languages_item_by_item(name: str) -> None:
    mixed = pairs(MINIATURE[f"{name}-mixed"], "qma-en")
    english, foreign = pairs(MINIATURE[name], "en"), pairs(MINIATURE[name], "qma")
    both = zip(english, foreign, strict=True)
    assert mixed == [PairExample(other.first, pair.second, pair.label) for pair, other in both]
    expected = PairExample(english[0].first, foreign[0].second, english[0].label)
    assert pairs(MINIATURE[f"{name}-mixed"], "en-qma")[0] == expected
    with pytest.raises(ValueError, match="no language 'qma-xx'"):
        pairs(MINIATURE[f"{name}-mixed"], "qma-xx")


@pytest.mark.parametrize("name", ["xnli", "pawsx"])
def test_the_miniature_leaves_no_word_of_meaning_in_both_sentences(name: str) -> None:
    clean, changed = pairs(MINIATURE[name], "en"), pairs(MINIATURE[f"{name}-perturbed"], "en")
    poles = [pole for scale in (*VERBS, *ADJECTIVES) for pole in scale]
    antonyms = {word: antonym for pole in poles for word, antonym in (pole, pole[::-1])}
    assert [pair.label for pair in clean] == [pair.label for pair in changed]
    touched = 0
    for pair, new_pair in zip(clean, changed, strict=True):
        assert pair.first == new_pair.first
        assert not {*new_pair.first.split()} & {*new_pair.second.split()} & antonyms.keys()
        for word, new_word in zip(pair.second.split(), new_pair.second.split(), strict=True):
            assert new_word in (word, antonyms.get(word))
        touched += pair.second != new_pair.second
    assert touched > len(clean) / 4
    # The same change in every language: translations stay translations.
    foreign, foreign_changed = (pairs(MINIATURE[target], "qfa") for target in (name, f"{name}-perturbed"))
    is_changed = [pair.second != new.second for pair, new in zip(foreign, foreign_changed, strict=True)]
    assert is_changed == [pair.second != new_pair.second for pair, new_pair in zip(clean, changed, strict=True)]


def test_training_and_dev_stay_as_they_are() -> None:
    for task in MINIATURE.values():
        if task.clean_target is not None:
            for split in ("train", "dev"):
                assert load_examples(SOURCE, task, split) == load_examples(SOURCE, MINIATURE[task.clean_target], split)  # type: ignore[arg-type]


@pytest.fixture
def data(write: Write) -> Path:
    """Four test pairs in three languages; one of the Swahili labels differs, one is withheld."""
    english_labels = ["entailment", "neutral", "contradiction", "neutral"]
    labels_of = {"en": english_labels, "de": english_labels, "sw": ["entailment", "entailment", "contradiction", "-"]}
    rows = [
        {"language": name, "sentence1": f"{name}{i} first", "sentence2": f"{name}{i} second", "gold_label": label}
        for name, labels in labels_of.items()
        for i, label in enumerate(labels)
    ]
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    write("google/xtreme/XNLI/validation", XNLI, rows[:4])
    return write("google/xtreme/XNLI/test", XNLI, rows)


def test_real_pairs_are_mixed_row_by_row(data: Path) -> None:
    assert real_data.find_languages(MIXED, data) == ("de-en", "sw-en", "en-de", "en-sw")
    converted = real_data.load_split(MIXED, "test", "de-en", origin=data)
    assert converted.examples[1] == PairExample("de1 first", "en1 second", 1) and converted.left_out == {}
    converted = real_data.load_split(MIXED, "test", "en-sw", origin=data)
    assert converted.examples == [PairExample("en0 first", "sw0 second", 0), PairExample("en2 first", "sw2 second", 2)]
    assert converted.left_out == {"different labels in the two languages": 1, "no label": 1}
    assert find_problems(MIXED, data) == []
    assert sorted(describe_locations(MIXED, data)) == sorted(
        describe_locations(TARGETS["xnli"], data)
    )  # they read the same rows


def test_rows_that_are_not_the_same_items_are_refused_before_the_start(write: Write, data: Path) -> None:
    rows = [
        {"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in ("en", "en", "sw")
    ]
    write("google/xtreme/XNLI/test", XNLI, rows)
    (line,) = find_problems(MIXED, data)
    assert "must be the same items in all languages" in line and "en 2" in line and "sw 1" in line
    with pytest.raises(UsageError, match="both must hold the same items, row by row"):
        real_data.load_split(MIXED, "test", "sw-en", origin=data)
    write("google/xtreme/XNLI/test", XNLI, rows[2:])
    assert any(
        "in English and in another language are needed; found: sw" in line for line in find_problems(MIXED, data)
    )
    assert real_data.find_languages(MIXED, data) == ()


def test_misspelt_words_keep_their_ends_and_letters() -> None:
    words = [f"abcdef{i:03d}ghij" for i in range(300)] + ["one", "its", "to", "3456"]
    text = "; ".join(words)
    changed = misspell(text)
    assert changed == misspell(text) and len(changed) == len(text)
    swaps = 0
    for word, new_word in zip(words, changed.split("; "), strict=True):
        head, tail = word[:6], word[9:]
        assert sorted(word) == sorted(new_word)
        if len(word) <= MIN_WORD_LETTERS:
            assert word == new_word
            continue
        for run, new_run in ((head, new_word[:6]), (tail, new_word[9:])):
            assert (run[0], run[-1]) == (new_run[0], new_run[-1])
            positions = [i for i, (a, b) in enumerate(zip(run, new_run, strict=True)) if a != b]
            assert not positions or (len(positions) == 2 and positions[1] == positions[0] + 1)
            swaps += bool(positions)
    assert MISSPELT_SHARE - 0.06 < swaps / 600 < MISSPELT_SHARE + 0.06


def test_signs_stay_with_their_letters() -> None:
    word = "विशेषाधिकार"  # six letters, five with a sign
    letters = ["वि", "शे", "षा", "धि", "का", "र"]
    swaps = {"".join([*letters[:i], letters[i + 1], letters[i], *letters[i + 2 :]]) for i in (1, 2, 3)}
    misspellings = {misspell(f"{word} {number}").split()[0] for number in range(100)}
    assert misspellings == {word, *swaps}


def test_perturbed_real_rows_keep_labels_and_places(data: Path) -> None:
    clean = examples_of(TARGETS["xnli"], "test", "de", origin=data)
    pairs_there = [pair for pair in clean if isinstance(pair, PairExample)]
    expected = [PairExample(misspell(pair.first), misspell(pair.second), pair.label) for pair in pairs_there]
    assert examples_of(PERTURBED, "test", "de", origin=data) == expected
    assert examples_of(PERTURBED, "dev", origin=data) == examples_of(TARGETS["xnli"], "dev", origin=data)


@pytest.mark.parametrize("targets", [("xnli",), ("xnli-mixed",), ("xnli-perturbed", "xnli"), ("pawsx-mixed", "xquad")])
def test_shifted_targets_are_evaluated_where_they_are_named(targets: tuple[str, ...]) -> None:
    benchmark = BENCHMARKS["miniature"]
    space = resolve_axes(Space(name="mine", intermediates=("mnli",), targets=targets), benchmark, PROFILES["miniature"])
    plan = expand_strata(space, benchmark, pretrain=False)
    stages = [stage for stage in plan if stage.kind == "target" and stage.seed == 0 and stage.intermediate == "none"]
    extra = {name for stage in stages for name in stage.targets if benchmark.targets[name].is_opt_in}
    assert extra == {name for name in targets if benchmark.targets[name].is_opt_in}
    assert len(stages) == len({benchmark.targets[name].training_set for name in targets})  # clean and shifted together
    for stage in stages:
        assert not benchmark.targets[stage.targets[0]].is_opt_in  # which is trained, and judged by, the clean target
    assert not any(benchmark.targets[name].is_opt_in for name in benchmark.target_names())


def test_the_real_pairs_agree_in_every_language(real: Path) -> None:
    for language in ("sw-en", "en-ur", "zh-en"):
        converted = real_data.load_split(MIXED, "test", language, origin=real)
        assert len(converted.examples) == 5010 and converted.left_out == {}
    assert find_problems(MIXED, real) == [] and len(real_data.find_languages(MIXED, real)) == 28
