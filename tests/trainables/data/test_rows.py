"""Conversion of rows to examples: labels by name, answers at their offset, and a count of rows left out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Features, List, Value

from spaces.errors import UsageError
from spaces.xtreme import ENTITY_TAGS, INTERMEDIATES, TARGETS, UPOS_TAGS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import PAIR, QA, TEXT, TOPIC, examples_of, pair_rows, qa_row, topic_rows
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.rows import find_nearest
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import ChoiceExample, PairExample, SpanExample, TaggingExample, TextExample

Write = Callable[..., Path]
PAWS = {"sentence1": TEXT, "sentence2": TEXT}
EVENT = {"premise": "p", "choice1": "x", "choice2": "y", "question": "cause"}


def test_class_labels_are_mapped_by_name(write: Write) -> None:
    swapped = Features({**PAIR, "label": ClassLabel(names=["neutral", "contradiction", "entailment"])})
    data = write("nyu-mll/glue/mnli/train", swapped, pair_rows(20, label=2))
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(3))
    assert examples_of(INTERMEDIATES["mnli"], "train", origin=data)[0] == PairExample("p0", "h0", 0)  # type: ignore[index]
    assert examples_of(INTERMEDIATES["mnli"], "dev", origin=data)[0] == PairExample("p0", "h0", 0)  # type: ignore[index]


def test_bare_numbers_are_no_labels(write: Write) -> None:
    bare = Features({**PAIR, "label": Value("int64")})
    data = write("nyu-mll/glue/mnli/train", bare, pair_rows(20))
    with pytest.raises(UsageError, match="bare numbers"):
        real_data.load_split(INTERMEDIATES["mnli"], "train", origin=data)
    assert any("bare numbers" in line for line in find_problems(INTERMEDIATES["mnli"], data))


def test_unknown_class_names_are_an_error_before_reading(write: Write) -> None:
    odd = Features({**PAIR, "label": ClassLabel(names=["yes", "no", "maybe"])})
    data = write("nyu-mll/glue/mnli/train", odd, pair_rows(20))
    lines = find_problems(INTERMEDIATES["mnli"], data)
    assert lines == [
        "mnli: nyu-mll/glue mnli train: unknown label 'yes'; there are: entailment, neutral, contradiction."
    ]


def test_withheld_labels_are_left_out_and_counted(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, [*pair_rows(20), *pair_rows(2, label=-1)])
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(3))
    converted = real_data.load_split(INTERMEDIATES["mnli"], "train", origin=data)
    assert isinstance(converted.examples, list)
    assert len(converted.examples) == 20
    assert converted.left_out == {"no label": 2}


def test_digits_as_text(write: Write) -> None:
    features = Features({"sentence1": TEXT, "sentence2": TEXT, "label": TEXT})
    rows = [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("1", "0", "-1")]
    data = write("google/xtreme/PAWS-X.de/test", features, rows)
    converted = real_data.load_split(TARGETS["pawsx"], "test", "de", origin=data)
    assert converted.examples == [PairExample("a", "b", 1), PairExample("a", "b", 0)]
    data = write("google/xtreme/PAWS-X.de/test", features, [{**rows[0], "label": "7"}])
    with pytest.raises(UsageError, match="unknown label '7'"):
        real_data.load_split(TARGETS["pawsx"], "test", "de", origin=data)


def test_texts_have_the_label_that_their_column_names(write: Write) -> None:
    rows = [*topic_rows(2), *topic_rows(1, "science/technology"), {"index_id": 9, "text": " ", "category": "sports"}]
    for split in ("train", "test"):
        data = write(f"Davlan/sib200/swh_Latn/{split}", TOPIC, rows)
    labels = TARGETS["sib200"].labels
    expected = [TextExample(f"t{i}", labels.index(name)) for i, name in enumerate(("travel", "travel"))]
    trained = real_data.load_split(TARGETS["sib200"], "train", "sw", origin=data)
    assert trained.examples == [*expected, TextExample("t0", labels.index("science/technology"))]
    assert trained.left_out == {"empty text": 1}
    assert len(examples_of(TARGETS["sib200"], "test", "sw", origin=data)) == 4  # scored as it is


def test_a_limit_takes_texts_from_all_over_their_split(write: Write) -> None:
    """SIB-200's test rows are sorted by topic; the rows are the same ones in every language."""
    rows = [*topic_rows(4, "travel"), *topic_rows(4, "sports"), *topic_rows(2, "health")]
    for code in ("eng_Latn", "swh_Latn"):
        data = write(f"Davlan/sib200/{code}/test", TOPIC, rows)
    source, task = DataSource(benchmark="xtreme", data=str(data), test_limit=5), TARGETS["sib200"]
    for language in ("en", "sw"):
        examples, _ = load_examples(source, task, "test", language)
        found = [(each.text, task.labels[each.label]) for each in examples if isinstance(each, TextExample)]
        assert found == [("t0", "travel"), ("t2", "travel"), ("t0", "sports"), ("t2", "sports"), ("t0", "health")]
    assert len(load_examples(replace(source, test_limit=11), task, "test", "sw")[0]) == 10


def test_tags_and_prefixes(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITY_TAGS)))})
    rows = [
        {"tokens": ["de:Rom", "de:!"], "ner_tags": [5, 0]},
        {"tokens": ["de:", "nl:x"], "ner_tags": [0, 0]},
        {"tokens": [], "ner_tags": []},
        {"tokens": ["a"], "ner_tags": [0, 0]},
    ]
    data = write("google/xtreme/PAN-X.de/test", features, rows)
    converted = real_data.load_split(TARGETS["panx"], "test", "de", origin=data)
    assert converted.examples == [TaggingExample(("Rom", "!"), (5, 0)), TaggingExample(("de:", "nl:x"), (0, 0))]
    assert converted.left_out == {"no words": 1, "different numbers of words and tags": 1}


def test_tags_as_names(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "pos_tags": List(TEXT)})
    data = write("google/xtreme/udpos.Thai/test", features, [{"tokens": ["x"], "pos_tags": ["X"]}])
    expected = TaggingExample(("x",), (UPOS_TAGS.index("X"),))
    assert examples_of(TARGETS["udpos"], "test", "th", origin=data) == [expected]


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
    train = real_data.load_split(task, "train", origin=data)
    assert train.examples == [
        SpanExample("q", "?", context, ("Rome",), (15,)),
        SpanExample("q#2", "?", context, ("and",), (11,)),
    ]
    assert train.left_out == {"answer not found in the context": 1, "no answer": 1}
    dev = real_data.load_split(task, "dev", origin=data)
    assert dev.left_out == {"no answer": 1}  # nothing could be right
    scored = dev.examples
    found = [(example.answers, example.starts) for example in scored if isinstance(example, SpanExample)]
    assert found == [(("Rome",), (15,)), (("Paris",), (-1,)), (("Oslo", "and"), (-1, 11))]


def test_nearest_occurrence() -> None:
    assert find_nearest("aaa", "a", 1) == 1
    assert find_nearest("x aa x", "x", 6) == 5
    assert find_nearest("x aa x", "x", -3) == 0
    assert find_nearest("abc", "", 0) == -1


def test_duplicate_ids_are_told_apart(write: Write) -> None:
    data = write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])] * 2)
    examples = examples_of(TARGETS["xquad"], "test", "de", origin=data)
    assert isinstance(examples, list)
    assert [example.id for example in examples if isinstance(example, SpanExample)] == ["q", "q#2"]


def test_letters_and_places(write: Write) -> None:
    letters = Features({"question": TEXT, "choices": {"label": List(TEXT), "text": List(TEXT)}, "answerKey": TEXT})
    choices = {"label": ["C", "A"], "text": ["see", "hay"]}
    rows = [{"question": "q", "choices": choices, "answerKey": key} for key in ("A", "")]
    data = write("tau/commonsense_qa/data/train", letters, rows)  # the hub's folder for the config `default`
    converted = real_data.load_split(INTERMEDIATES["csqa"], "train", origin=data)
    assert converted.examples == [ChoiceExample("", "q", ("see", "hay"), 1)]
    assert converted.left_out == {"no label": 1}
    places = Features({"ctx": TEXT, "endings": List(TEXT), "label": TEXT})
    ending = {"ctx": "c", "endings": ["x", "y"]}
    data = write("Rowan/hellaswag/default/validation", places, [{**ending, "label": "1"}, {**ending, "label": ""}])
    assert examples_of(INTERMEDIATES["hellaswag"], "dev", origin=data) == [ChoiceExample("c", "", ("x", "y"), 1)]
    data = write("Rowan/hellaswag/default/train", places, [{**ending, "label": "2"}])
    with pytest.raises(UsageError, match="unknown label '2'"):
        real_data.load_split(INTERMEDIATES["hellaswag"], "train", origin=data)
    answers = {f"answer{i}": TEXT for i in range(4)}
    cosmos = Features({"context": TEXT, "question": TEXT, **answers, "label": Value("int32")})
    row = {"context": "c", "question": "q", **{name: name for name in answers}, "label": 3}
    data = write("allenai/cosmos_qa/default/validation", cosmos, [row])
    assert examples_of(INTERMEDIATES["cosmosqa"], "dev", origin=data) == [ChoiceExample("c", "q", tuple(answers), 3)]


def test_empty_texts_are_not_trained_on_but_scored(write: Write) -> None:
    rows = [{"premise": "p", "hypothesis": text, "label": 0} for text in ("h", "", " ", None)]
    data = write("nyu-mll/glue/mnli/train", PAIR, rows)
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, rows)
    assert real_data.load_split(INTERMEDIATES["mnli"], "train", origin=data).left_out == {"empty text": 3}
    assert len(examples_of(INTERMEDIATES["mnli"], "dev", origin=data)) == 4
    data = write("rajpurkar/squad/plain_text/train", QA, [qa_row("", [""], [0]), qa_row("ab", ["a"], [0])])
    assert real_data.load_split(INTERMEDIATES["squad"], "train", origin=data).left_out == {"empty text": 1}


@pytest.mark.parametrize("names", [("1", "0"), ("paraphrase", "different")], ids="".join)
def test_classes_named_by_digits_are_mapped_by_name(write: Write, names: tuple[str, str]) -> None:
    features = Features({**PAWS, "label": ClassLabel(names=list(names))})
    data = write("google/xtreme/PAWS-X.de/test", features, [{"sentence1": "a", "sentence2": "b", "label": 0}])
    assert examples_of(TARGETS["pawsx"], "test", "de", origin=data) == [PairExample("a", "b", 1)]


def test_classes_of_options_are_mapped_by_name(write: Write) -> None:
    texts = dict.fromkeys(("context", "question", "answerA", "answerB", "answerC"), TEXT)
    siqa = Features({**texts, "label": ClassLabel(names=["1", "2", "3"])})
    copa = Features({**dict.fromkeys(EVENT, TEXT), "label": ClassLabel(names=["choice2", "choice1"])})
    data = write("allenai/social_i_qa/default/train", siqa, [{**dict.fromkeys(texts, "t"), "label": 1}])
    data = write("aps/super_glue/copa/train", copa, [{**EVENT, "label": 0}])
    examples = examples_of(TARGETS_R["xcopa"], "train", origin=data)
    assert [example.label for example in examples if isinstance(example, ChoiceExample)] == [1, 1]


def test_an_unknown_question_is_no_wording(write: Write) -> None:
    xcopa = Features({**dict.fromkeys(EVENT, TEXT), "label": Value("int32"), "idx": Value("int32")})
    data = write("cambridgeltl/xcopa/et/test", xcopa, [{**EVENT, "question": "reason", "label": 0, "idx": 0}])
    with pytest.raises(UsageError, match="xcopa: cambridgeltl/xcopa et test: unknown question 'reason'"):
        real_data.load_split(TARGETS_R["xcopa"], "test", "et", origin=data)


def test_answers_and_options_may_be_lists_of_records(write: Write) -> None:
    answers = Features({**QA, "answers": List({"text": TEXT, "answer_start": Value("int32")})})
    row = {**qa_row("ab", [], []), "answers": [{"text": "b", "answer_start": 1}]}
    data = write("google/xtreme/XQuAD.de/validation", answers, [row])
    assert examples_of(TARGETS["xquad"], "test", "de", origin=data) == [SpanExample("q", "?", "ab", ("b",), (1,))]
    choices = Features({"question": TEXT, "choices": List({"label": TEXT, "text": TEXT}), "answerKey": TEXT})
    options = [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]
    question = {"question": "q", "choices": options, "answerKey": "B"}
    data = write("tau/commonsense_qa/default/train", choices, [question])
    assert examples_of(INTERMEDIATES["csqa"], "train", origin=data) == [ChoiceExample("", "q", ("x", "y"), 1)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"answers": None}, "no label"),
        ({"answers": {"text": [None], "answer_start": [0]}}, "no label"),
        ({"answers": {"text": ["a", "b"], "answer_start": [0]}}, "different numbers of answers and offsets"),
        ({"answers": {"text": ["a"], "answer_start": [None]}}, "answer not found in the context"),
        ({"id": None}, "no id"),
    ],
    ids=str,
)
def test_holes_in_answers_are_counted(write: Write, row: dict[str, Any], reason: str) -> None:
    good = qa_row("ab", ["a"], [0])
    data = write("rajpurkar/squad/plain_text/train", QA, [good, {**good, **row}])
    data = write("rajpurkar/squad/plain_text/validation", QA, [good])
    converted = real_data.load_split(INTERMEDIATES["squad"], "train", origin=data)
    assert (len(converted.examples), converted.left_out) == (1, {reason: 1})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"tokens": None, "ner_tags": None}, "no words"),
        ({"tokens": ["a"], "ner_tags": None}, "no label"),
        ({"tokens": ["a"], "ner_tags": [None]}, "no label"),
        ({"tokens": ["a", None], "ner_tags": [0, 0]}, "missing word"),
    ],
    ids=str,
)
def test_holes_in_sentences_are_counted(write: Write, row: dict[str, Any], reason: str) -> None:
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITY_TAGS)))})
    data = write("google/xtreme/PAN-X.de/test", features, [{"tokens": ["a"], "ner_tags": [0]}, row])
    converted = real_data.load_split(TARGETS["panx"], "test", "de", origin=data)
    assert (len(converted.examples), converted.left_out) == (1, {reason: 1})


def test_holes_in_options_are_counted(write: Write) -> None:
    features = Features({"ctx": TEXT, "endings": List(TEXT), "label": TEXT})
    rows = [{"ctx": "c", "endings": endings, "label": "0"} for endings in (["x", "y"], None, [], ["x", None])]
    data = write("Rowan/hellaswag/default/train", features, rows)
    data = write("Rowan/hellaswag/default/validation", features, rows)
    converted = real_data.load_split(INTERMEDIATES["hellaswag"], "train", origin=data)
    assert (len(converted.examples), converted.left_out) == (1, {"no options": 2, "empty text": 1})


def test_supertags_with_holes(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "tags": List(TEXT)})
    rows = [{"tokens": ["It"], "tags": tags} for tags in (["NP"], None, [None])]
    for split in ("train", "validation"):
        data = write(f"local/ccg/default/{split}", features, rows)
    task = real_data.resolve_labels(INTERMEDIATES["ccg"], data)
    assert task.labels == ("NP",)
    assert real_data.load_split(task, "train", origin=data).left_out == {"no label": 2}
