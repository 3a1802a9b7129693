"""Reading data in hub layout: every quirk in small files that the tests write, and the real files where they are."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import ClassLabel, Features, List, Value

from spaces.errors import UsageError
from spaces.xtreme import ENTITIES, INTERMEDIATES, NLI, TARGETS, UPOS
from trainables import hub
from trainables.examples import Choice, Pair, Parallel, Span, Tagged
from trainables.rows import nearest
from trainables.shelf import find

Write = Callable[..., Path]

TEXT = Value("string")
PAIR = Features({"premise": TEXT, "hypothesis": TEXT, "label": ClassLabel(names=list(NLI))})
XNLI = Features({"language": TEXT, "sentence1": TEXT, "sentence2": TEXT, "gold_label": TEXT})
TAGGED = Features({"tokens": List(TEXT), "pos_tags": List(ClassLabel(names=list(UPOS)))})
QA = Features(
    {
        "id": TEXT,
        "context": TEXT,
        "question": TEXT,
        "answers": {"text": List(TEXT), "answer_start": List(Value("int32"))},
    }
)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a split in hub layout and returns the data folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    data = tmp_path / "hub"
    data.mkdir()

    def write_split(place: str, features: Features, rows: list[dict[str, Any]]) -> Path:
        file = data / f"{place}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: [row[name] for row in rows] for name in features}
        datasets.Dataset.from_dict(columns, features=features).to_parquet(str(file))
        return data

    return write_split


def pair_rows(number: int, label: int = 0) -> list[dict[str, Any]]:
    return [{"premise": f"p{i}", "hypothesis": f"h{i}", "label": label} for i in range(number)]


def qa_row(context: str, answers: list[str], starts: list[int], name: str = "q") -> dict[str, Any]:
    return {"id": name, "context": context, "question": "?", "answers": {"text": answers, "answer_start": starts}}


def test_class_labels_are_mapped_by_name(write: Write) -> None:
    swapped = Features({**PAIR, "label": ClassLabel(names=["neutral", "contradiction", "entailment"])})
    data = write("nyu-mll/glue/mnli/train", swapped, pair_rows(20, label=2))
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(3))
    assert hub.examples(INTERMEDIATES["mnli"], "train", data=data)[0] == Pair("p0", "h0", 0)  # type: ignore[index]
    assert hub.examples(INTERMEDIATES["mnli"], "dev", data=data)[0] == Pair("p0", "h0", 0)  # type: ignore[index]


def test_bare_numbers_are_no_labels(write: Write) -> None:
    bare = Features({**PAIR, "label": Value("int64")})
    data = write("nyu-mll/glue/mnli/train", bare, pair_rows(20))
    with pytest.raises(UsageError, match="bare numbers"):
        hub.examples(INTERMEDIATES["mnli"], "train", data=data)
    assert any("bare numbers" in line for line in hub.check([INTERMEDIATES["mnli"]], data))


def test_unknown_class_names_are_an_error_before_reading(write: Write) -> None:
    odd = Features({**PAIR, "label": ClassLabel(names=["yes", "no", "maybe"])})
    data = write("nyu-mll/glue/mnli/train", odd, pair_rows(20))
    lines = hub.check([INTERMEDIATES["mnli"]], data)
    assert lines == ["mnli: unknown label 'yes' in nyu-mll/glue; there are: entailment, neutral, contradiction."]


def test_withheld_labels_are_left_out_and_counted(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, [*pair_rows(20), *pair_rows(2, label=-1)])
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(3))
    found = hub.read(INTERMEDIATES["mnli"], "train", data=data)
    assert isinstance(found.examples, list)
    assert len(found.examples) == 20
    assert found.left_out == {"no label": 2}


def test_without_a_dev_split_the_tail_is_held_out(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    task = INTERMEDIATES["mnli"]
    train, dev = (hub.examples(task, split, data=data) for split in ("train", "dev"))
    assert isinstance(train, list) and isinstance(dev, list)
    assert [example.first for example in dev if isinstance(example, Pair)] == ["p23", "p24"]
    assert len(train) == 23 and not set(train) & set(dev)
    assert hub.notes(task, data)[0] == "mnli: trained on 23 of 392,702 published rows."
    assert "last tenth of nyu-mll/glue mnli train" in hub.notes(task, data)[1]
    # XNLI has an English dev set of its own and trains on all rows.
    rows = [{"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}]
    data = write("google/xtreme/XNLI/validation", XNLI, rows)
    assert len(hub.examples(TARGETS["xnli"], "train", data=data)) == 25  # type: ignore[arg-type]


def test_languages_in_a_column(write: Write) -> None:
    rows = [
        {"language": "sw", "sentence1": "a", "sentence2": "b", "gold_label": "contradictory"},
        {"language": "de", "sentence1": "c", "sentence2": "d", "gold_label": "entailment"},
        {"language": "de", "sentence1": "e", "sentence2": "f", "gold_label": "-"},
    ]
    data = write("google/xtreme/XNLI/test", XNLI, rows)
    task = TARGETS["xnli"]
    assert hub.languages(task, data) == ("de", "sw")
    assert hub.examples(task, "test", "sw", data=data) == [Pair("a", "b", 2)]
    assert hub.read(task, "test", "de", data=data).left_out == {"no label": 1}
    with pytest.raises(UsageError, match="xnli: no test rows in 'fr'"):
        hub.examples(task, "test", "fr", data=data)
    data = write("google/xtreme/XNLI/test", XNLI, [{**rows[0], "gold_label": "foo"}])
    with pytest.raises(UsageError, match="unknown label 'foo'"):
        hub.examples(task, "test", "sw", data=data)


def test_digits_as_text(write: Write) -> None:
    features = Features({"sentence1": TEXT, "sentence2": TEXT, "label": TEXT})
    rows = [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("1", "0", "-1")]
    data = write("google/xtreme/PAWS-X.de/test", features, rows)
    found = hub.read(TARGETS["pawsx"], "test", "de", data=data)
    assert found.examples == [Pair("a", "b", 1), Pair("a", "b", 0)]
    data = write("google/xtreme/PAWS-X.de/test", features, [{**rows[0], "label": "7"}])
    with pytest.raises(UsageError, match="unknown label '7'"):
        hub.examples(TARGETS["pawsx"], "test", "de", data=data)


def test_tags_and_prefixes(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITIES)))})
    rows = [
        {"tokens": ["de:Rom", "de:!"], "ner_tags": [5, 0]},
        {"tokens": ["de:", "nl:x"], "ner_tags": [0, 0]},
        {"tokens": [], "ner_tags": []},
        {"tokens": ["a"], "ner_tags": [0, 0]},
    ]
    data = write("google/xtreme/PAN-X.de/test", features, rows)
    found = hub.read(TARGETS["panx"], "test", "de", data=data)
    assert found.examples == [Tagged(("Rom", "!"), (5, 0)), Tagged(("de:", "nl:x"), (0, 0))]
    assert found.left_out == {"no words": 1, "as many words as tags are needed": 1}


def test_tags_as_names(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "pos_tags": List(TEXT)})
    data = write("google/xtreme/udpos.Thai/test", features, [{"tokens": ["x"], "pos_tags": ["X"]}])
    assert hub.examples(TARGETS["udpos"], "test", "th", data=data) == [Tagged(("x",), (UPOS.index("X"),))]


def test_a_missing_language_is_reported_and_no_error(write: Write) -> None:
    row = [{"tokens": ["Rome"], "pos_tags": [11]}]
    for place in ("English/train", "English/validation", "English/test", "German/validation", "Thai/test"):
        data = write(f"google/xtreme/udpos.{place}", TAGGED, row)
    task = TARGETS["udpos"]
    assert hub.check([task], data) == []
    assert hub.languages(task, data) == ("en", "th")
    (line,) = (line for line in hub.notes(task, data) if "no test rows" in line)
    assert " de," in line and " en," not in line


def test_answers_that_the_offset_misses(write: Write) -> None:
    context = "Rome, Rome and Rome."
    rows = [
        qa_row(context, ["Rome"], [13]),  # two characters too far left: the last one is meant
        qa_row(context, ["Paris"], [3]),
        qa_row(context, ["Oslo", "and"], [0, 11]),
        qa_row(context, [], []),
    ]
    for split in ("train", "validation"):
        data = write(f"rajpurkar/squad/plain_text/{split}", QA, rows)
    task = INTERMEDIATES["squad"]
    found = hub.read(task, "train", data=data)
    assert found.examples == [Span("q", "?", context, ("Rome",), (15,)), Span("q#2", "?", context, ("and",), (11,))]
    assert found.left_out == {"answer not found in the context": 1, "no answer": 1}
    scored = hub.read(task, "dev", data=data).examples
    assert isinstance(scored, list)
    assert [(example.answers, example.starts) for example in scored if isinstance(example, Span)] == [
        (("Rome",), (15,)),
        (("Paris",), (-1,)),
        (("Oslo", "and"), (-1, 11)),
        ((), ()),
    ]


def test_nearest_occurrence() -> None:
    assert nearest("aaa", "a", 1) == 1
    assert nearest("x aa x", "x", 6) == 5
    assert nearest("x aa x", "x", -3) == 0
    assert nearest("abc", "", 0) == -1


def test_duplicate_ids_are_told_apart(write: Write) -> None:
    data = write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])] * 2)
    found = hub.examples(TARGETS["xquad"], "test", "de", data=data)
    assert isinstance(found, list)
    assert [example.id for example in found if isinstance(example, Span)] == ["q", "q#2"]


def test_languages_in_ids(write: Write) -> None:
    rows = [qa_row("ab", ["a"], [0], f"english-{i}-1") for i in range(20)]
    data = write("google/xtreme/tydiqa/train", QA, [*rows, qa_row("ab", ["a"], [0], "korean-1-1")])
    data = write("google/xtreme/tydiqa/validation", QA, [qa_row("ab", ["b"], [1], "korean-2-1")])
    task = TARGETS["tydiqa"]
    assert hub.languages(task, data) == ("ko",)
    train, dev = (hub.examples(task, split, data=data) for split in ("train", "dev"))
    assert isinstance(train, list) and isinstance(dev, list)
    assert (len(train), len(dev)) == (18, 2)
    assert hub.examples(task, "test", "ko", data=data) == [Span("korean-2-1", "?", "ab", ("b",), (1,))]


def test_mlqa_dev_stands_in_for_its_test(write: Write) -> None:
    data = write("google/xtreme/MLQA.de.de/validation", QA, [qa_row("ab", ["a"], [0])])
    assert hub.languages(TARGETS["mlqa"], data) == ("de",)
    assert "mlqa: test is google/xtreme MLQA.de.de validation, as there is no split test." in hub.notes(
        TARGETS["mlqa"], data
    )


def test_a_config_without_the_paragraphs_of_xquad_is_preferred(write: Write) -> None:
    data = write("rajpurkar/squad/plain_text/train", QA, [qa_row("ab", ["a"], [0], "all")])
    data = write("rajpurkar/squad/local_no_xquad/train", QA, [qa_row("ab", ["a"], [0], "clean")])
    found = hub.examples(TARGETS["xquad"], "train", data=data)
    assert found == [Span("clean", "?", "ab", ("a",), (0,))]
    place = find(TARGETS["xquad"], "train", "en", None)
    assert place is not None and place.config == "plain_text"  # the hub has no such config


def test_letters_and_places(write: Write) -> None:
    letters = Features({"question": TEXT, "choices": {"label": List(TEXT), "text": List(TEXT)}, "answerKey": TEXT})
    choices = {"label": ["C", "A"], "text": ["see", "hay"]}
    rows = [{"question": "q", "choices": choices, "answerKey": key} for key in ("A", "")]
    data = write("tau/commonsense_qa/data/train", letters, rows)  # the hub's folder for the config `default`
    found = hub.read(INTERMEDIATES["csqa"], "train", data=data)
    assert found.examples == [Choice("", "q", ("see", "hay"), 1)]
    assert found.left_out == {"no label": 1}
    places = Features({"ctx": TEXT, "endings": List(TEXT), "label": TEXT})
    ending = {"ctx": "c", "endings": ["x", "y"]}
    data = write("Rowan/hellaswag/default/validation", places, [{**ending, "label": "1"}, {**ending, "label": ""}])
    assert hub.examples(INTERMEDIATES["hellaswag"], "dev", data=data) == [Choice("c", "", ("x", "y"), 1)]
    data = write("Rowan/hellaswag/default/train", places, [{**ending, "label": "2"}])
    with pytest.raises(UsageError, match="unknown label '2'"):
        hub.examples(INTERMEDIATES["hellaswag"], "train", data=data)
    answers = {f"answer{i}": TEXT for i in range(4)}
    cosmos = Features({"context": TEXT, "question": TEXT, **answers, "label": Value("int32")})
    row = {"context": "c", "question": "q", **{name: name for name in answers}, "label": 3}
    data = write("allenai/cosmos_qa/default/validation", cosmos, [row])
    assert hub.examples(INTERMEDIATES["cosmosqa"], "dev", data=data) == [Choice("c", "q", tuple(answers), 3)]


def test_line_feeds_of_tatoeba(write: Write) -> None:
    features = Features(dict.fromkeys(("source_sentence", "target_sentence", "source_lang", "target_lang"), TEXT))
    row = {"source_sentence": "ja\n", "target_sentence": "yes\n", "source_lang": "deu", "target_lang": "eng"}
    data = write("google/xtreme/tatoeba.deu/validation", features, [row, row])
    pool = hub.examples(TARGETS["tatoeba"], "test", "de", data=data)
    assert pool == Parallel(("yes", "yes"), ("ja", "ja"), (0, 1))
    assert hub.check([TARGETS["tatoeba"]], data) == []


def test_check_lists_everything_at_once(write: Write, tmp_path: Path) -> None:
    data = write("nyu-mll/glue/qqp/train", PAIR, pair_rows(20))
    data = write("nyu-mll/glue/mnli/train", PAIR, [])
    broken = data / "tau/commonsense_qa/default/train-00000-of-00001.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_text("no Parquet", encoding="utf-8")
    tasks = [INTERMEDIATES[name] for name in ("qqp", "mnli", "csqa", "hellaswag")]
    lines = hub.check([*tasks, TARGETS["tatoeba"]], data)
    assert lines[0] == (
        "qqp: nyu-mll/glue qqp train has no column question1, question2; it has premise, hypothesis, label."
    )
    assert lines[1] == "mnli: nyu-mll/glue mnli train has no rows."
    assert str(broken) in lines[2] and "no readable Parquet file" in lines[2]
    assert lines[3].startswith("hellaswag: no train rows in 'en': put ")
    assert lines[-1].startswith("tatoeba: no test rows in 'af': put ")
    assert hub.check(tasks, tmp_path / "nowhere")[0].startswith("there is no folder ")


def test_fingerprint_follows_the_content(write: Write) -> None:
    task = INTERMEDIATES["mnli"]
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    first = hub.fingerprint(task, data)
    assert hub.fingerprint(task, data) == first
    write("nyu-mll/glue/qqp/train", PAIR, pair_rows(20))  # no business of this task
    assert hub.fingerprint(task, data) == first
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20, label=1))
    assert hub.fingerprint(task, data) != first


def test_unknown_task() -> None:
    with pytest.raises(UsageError, match="unknown task 'none'"):
        hub.languages(dataclasses.replace(TARGETS["xnli"], name="none"), None)


def real_data() -> Path:
    """The folder with real data, or a skip with the reason."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("TRANSFER_SEARCH_DATA", root.parent / "shared" / "data" / "hub"))
    if not (folder / "google" / "xtreme").is_dir():
        pytest.skip(f"no real data in {folder}: set TRANSFER_SEARCH_DATA to a folder laid out like the hub.")
    return folder


@pytest.mark.parametrize("name", [*INTERMEDIATES, *TARGETS])
def test_real_data(name: str) -> None:
    data = real_data()
    task = INTERMEDIATES[name] if name in INTERMEDIATES else TARGETS[name]
    if hub.check([task], data):
        pytest.skip(hub.check([task], data)[0])
    splits = ("test",) if task.recipe is None else ("train", "dev", "test") if name in TARGETS else ("train", "dev")
    for split in splits:
        language = hub.languages(task, data)[0] if split == "test" else "en"
        found = hub.examples(task, split, language, data=data)  # type: ignore[arg-type]
        if isinstance(found, Parallel):
            assert len(found.queries) == len(found.candidates) == len(found.gold) > 100
            continue
        assert len(found) > 100
        if task.kind == "span" and split == "train":
            for example in found:
                assert isinstance(example, Span)
                for answer, start in zip(example.answers, example.starts, strict=True):
                    assert example.context.startswith(answer, start)
