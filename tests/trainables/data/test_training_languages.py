"""Training sets in other languages than English: translated row by row, or written in the language."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Features, Value

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.miniature import INTERMEDIATES as MINIATURE
from spaces.space import Space, resolve_axes
from spaces.xtreme import INTERMEDIATES, NLI_LABELS
from tests.hub_layout import PAIR, TEXT, examples_of, pair_rows
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_notes import collect_notes
from trainables.data.data_report import inspect
from trainables.data.fingerprint import compute_fingerprint, describe_locations
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import ChoiceExample, PairExample, PassageExample, SpanExample, TaggingExample

Write = Callable[..., Path]
MNLI = INTERMEDIATES["mnli"]


def translated(rows: list[dict[str, Any]], language: str) -> list[dict[str, Any]]:
    texts = ("premise", "hypothesis")
    return [{**row, **{name: f"{row[name]} {language}" for name in texts}} for row in rows]


@pytest.fixture
def data(write: Write) -> Path:
    """25 English pairs, the sixth without a hypothesis; of the seventh the translation into Swahili is empty."""
    rows = pair_rows(25)
    rows[5]["hypothesis"] = ""
    write("nyu-mll/glue/mnli/train", PAIR, rows)
    swahili = translated(rows, "sw")
    swahili[6]["premise"] = ""
    write("facebook/xnli/sw/train", PAIR, swahili)
    return write("local/mnli-translated/fi/train", PAIR, translated(rows, "fi"))


def test_the_same_place_holds_the_same_pair_in_every_language(data: Path) -> None:
    english, swahili, finnish = (real_data.load_split(MNLI, "train", name, origin=data) for name in ("en", "sw", "fi"))
    assert english.left_out == swahili.left_out == finnish.left_out == {"empty text": 1}
    # The last tenth is English dev, and no translation of it is trained on.
    assert len(english.examples) == len(swahili.examples) == len(finnish.examples) == 22
    assert [pair.first for pair in finnish.examples if isinstance(pair, PairExample)] == [
        f"{pair.first} fi" for pair in english.examples if isinstance(pair, PairExample)
    ]
    assert swahili.examples[5] == PairExample("", "h6 sw", 0)  # empty, and in its place
    source = DataSource(benchmark="xtreme", data=str(data))
    chosen, translations = (load_examples(source, MNLI, "train", language)[0] for language in ("en", "fi"))
    assert [f"{pair.first} fi" for pair in chosen if isinstance(pair, PairExample)] == [
        pair.first for pair in translations if isinstance(pair, PairExample)
    ]


def test_selection_sees_english_dev_in_every_language(data: Path) -> None:
    dev = [split for split in inspect(MNLI, data, "sw").splits if split.split == "dev"]
    assert [split.languages for split in dev] == [("en",)]
    assert (inspect(MNLI, data, "sw").name, inspect(MNLI, data).name) == ("mnli@sw", "mnli")


@pytest.mark.parametrize(
    ("rows", "message"),
    [(pair_rows(24), "24 rows, but nyu-mll/glue has 25"), ([*pair_rows(22), *pair_rows(3, label=1)], "3 of 25 rows")],
)
def test_rows_that_are_no_translations_are_refused_before_the_start(
    write: Write, rows: list[dict[str, Any]], message: str
) -> None:
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(2))
    data = write("facebook/xnli/sw/train", PAIR, rows)
    (line,) = find_problems(MNLI, data, "sw")
    assert message in line and "both must hold the same pairs, row by row" in line
    with pytest.raises(UsageError, match=message):
        real_data.load_split(MNLI, "train", "sw", origin=data)
    assert find_problems(MNLI, data) == []  # English alone needs no translation


def test_a_fingerprint_is_of_the_language_that_is_read(write: Write, data: Path) -> None:
    before = {name: compute_fingerprint(MNLI, data, name) for name in ("en", "sw", "fi")}
    assert len(set(before.values())) == 3 and before["en"] == compute_fingerprint(MNLI, data)
    rows = pair_rows(25)
    write("facebook/xnli/sw/train", PAIR, translated(rows, "other"))
    after = {name: compute_fingerprint(MNLI, data, name) for name in before}
    assert {name for name in before if before[name] != after[name]} == {"sw"}
    assert [line.split()[:2] for line in describe_locations(MNLI, data, "sw")] == [
        ["train", "en"],  # says which rows count, and their labels
        ["train", "sw"],
        ["dev", "en"],
    ]


def test_a_language_without_rows_says_where_they_go(data: Path) -> None:
    (line,) = find_problems(MNLI, data, "ur")
    assert "no train rows in 'ur'" in line and "facebook/xnli/ur/train-*.parquet" in line
    (line,) = find_problems(MNLI, data, "lv")
    assert "the hub has MultiNLI in XNLI's languages only" in line


def test_labels_of_ocnli_go_by_name(write: Write) -> None:
    order = ClassLabel(names=["neutral", "entailment", "contradiction"])
    features = Features({"sentence1": TEXT, "sentence2": TEXT, "label": order, "idx": Value("int32")})
    rows = [{"sentence1": "a", "sentence2": "b", "label": label, "idx": 0} for label in (0, 1, 2, -1)]
    write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(2))
    data = write("clue/clue/ocnli/train", features, rows)
    converted = real_data.load_split(INTERMEDIATES["ocnli"], "train", "zh", origin=data)
    labels = [NLI_LABELS[pair.label] for pair in converted.examples if isinstance(pair, PairExample)]
    assert labels == ["neutral", "entailment", "contradiction"]
    assert converted.left_out == {"no label": 1}
    with pytest.raises(UsageError, match="no train rows in 'en'"):
        real_data.load_split(INTERMEDIATES["ocnli"], "train", origin=data)


def test_americasnli_says_that_it_trains_on_validation_rows(write: Write) -> None:
    write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(2))
    data = write("nala-cub/americas_nli/quy/validation", PAIR, pair_rows(3))
    task = INTERMEDIATES["americasnli"]
    assert len(examples_of(task, "train", "quy", origin=data)) == 3
    assert any("no training split" in line for line in collect_notes(task, data, "quy"))
    assert "no train rows in 'aym'" in find_problems(task, data)[0]  # its own language, which none was named for


@pytest.mark.parametrize("name", ["qqp", "squad", "ccg", "hellaswag"])
def test_the_miniature_translates_training_rows_in_place(name: str) -> None:
    """One task of each kind; tests/trainables/miniature/test_world.py reads every word of some."""
    task, source = MINIATURE[name], DataSource(benchmark="miniature")
    examples, _ = load_examples(source, task, "train", "en")
    translations, _ = load_examples(source, task, "train", task.training_languages[-1])
    assert len(translations) == len(examples) and translations != examples
    for example, translation in zip(examples, translations, strict=True):
        if isinstance(example, TaggingExample) and isinstance(
            translation, TaggingExample
        ):  # the order of words differs
            assert sorted(example.tags) == sorted(translation.tags)
        elif isinstance(example, SpanExample) and isinstance(translation, SpanExample):
            assert example.id == translation.id
        else:
            assert all(isinstance(one, PairExample | ChoiceExample) for one in (example, translation))
            assert example.label == translation.label


def test_the_sham_reads_both_sentences_of_every_pair_as_one_text(data: Path) -> None:
    sham = BENCHMARKS["xtreme"].intermediates["sham"]
    for split in ("train", "dev"):
        pairs = real_data.load_split(MNLI, split, "en", origin=data).examples  # type: ignore[arg-type]
        texts = real_data.load_split(sham, split, "en", origin=data).examples  # type: ignore[arg-type]
        joined = [PassageExample(f"{pair.first} {pair.second}") for pair in pairs if isinstance(pair, PairExample)]
        assert texts == joined, "the same rows, and so as many steps"
    assert collect_notes(sham, data, "en") and not find_problems(sham, data)


def test_controls_are_trained_in_english_only() -> None:
    assert all(task.training_languages == ("en",) for task in MINIATURE.values() if task.is_control)


def test_extra_tasks_are_members_only_where_they_are_named() -> None:
    benchmark, profile = BENCHMARKS["xtreme"], PROFILES["miniature"]
    extra = {name for name, task in benchmark.intermediates.items() if task.is_opt_in}
    assert extra == {"ocnli", "indonli", "americasnli", "massive", "random", "sham", "mlm"}
    full = resolve_axes(Space(name="full"), benchmark, profile)
    assert not extra & {*full.intermediates, *full.mixture}
    assert "ocnli" in resolve_axes(Space(name="mine", intermediates=("ocnli",)), benchmark, profile).intermediates


@pytest.mark.parametrize("language", [name for name in MNLI.training_languages if name not in "bg el hi ru th".split()])
def test_the_real_translations_are_row_by_row(real: Path, language: str) -> None:
    own, translated = (examples_of(MNLI, "train", name, origin=real) for name in ("en", language))
    assert [getattr(pair, "label", None) for pair in own] == [getattr(pair, "label", None) for pair in translated]
    assert find_problems(MNLI, real, language) == []


def test_the_real_translations_hold_the_same_numbers(real: Path) -> None:
    """Digits survive translation, so that pairs of other rows have other digits."""
    own, translated = (examples_of(MNLI, "train", name, origin=real) for name in ("en", "sw"))

    def digits(pair: Any) -> set[str]:
        return {word for word in pair.first.split() if word.isdecimal() and len(word) > 2}

    digit_pairs = [(digits(pair), digits(other)) for pair, other in zip(own, translated, strict=True) if digits(pair)]
    shifted_pairs = [(mine, theirs) for (mine, _), (_, theirs) in pairwise(digit_pairs)]

    def share_alike(pairs: list[tuple[set[str], set[str]]]) -> float:
        return sum(bool(mine & theirs) for mine, theirs in pairs) / len(pairs)

    assert share_alike(digit_pairs) > 0.8 and share_alike(digit_pairs) > 10 * share_alike(shifted_pairs)


def test_the_real_native_sets(real: Path) -> None:
    counts = {
        name: len(examples_of(INTERMEDIATES[task], "train", name, origin=real))
        for task, name in (("ocnli", "zh"), ("indonli", "id"), ("americasnli", "aym"), ("americasnli", "oto"))
    }
    assert counts == {"zh": 9985, "id": 10330, "aym": 743, "oto": 222}
