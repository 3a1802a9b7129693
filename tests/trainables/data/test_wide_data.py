"""Test rows of wide targets in the form of each repository, in small files; and in the real ones where they are."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import ClassLabel, Features, List, Value

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.recipes import choose_recipes
from spaces.task import with_splits_of
from spaces.xtreme import ENTITY_TAGS, UPOS_TAGS
from tests.hub_layout import PAIR, QA, TAGGED, TEXT, XNLI, examples_of, pair_rows, qa_row
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_notes import collect_notes
from trainables.data.foreign_rows import find_dev_languages
from trainables.data.task_data import DataSource
from trainables.features.examples import PairExample, SpanExample, TaggingExample

Write = Callable[..., Path]
WIDE = BENCHMARKS["xtreme-wide"].targets
BARE = Features({**PAIR, "label": Value("int64")})
POS_NAMES = "NOUN PUNCT ADP NUM SYM SCONJ ADJ PART DET CCONJ PROPN PRON X _ ADV INTJ VERB AUX".split()
AFRICAN_POS = Features({"id": TEXT, "tokens": List(TEXT), "upos": List(ClassLabel(names=POS_NAMES))})
ENTITY_NAMES = [*ENTITY_TAGS, "B-DATE", "I-DATE"]
AFRICAN_ENTITIES = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=ENTITY_NAMES))})
AFRIQA = Features(
    {
        "id": TEXT,
        "context": TEXT,
        "question_lang": TEXT,
        "answer_pivot": {"answer_start": List(Value("int64")), "text": List(TEXT)},
    }
)


@pytest.fixture
def english(write: Write) -> Path:
    """English rows to train and select on; XNLI's and SQuAD's dev rows."""
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    rows = [{"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in ("en", "de")]
    write("google/xtreme/XNLI/validation", XNLI, rows)
    for split in ("train", "validation"):
        write(f"google/xtreme/udpos.English/{split}", TAGGED, [{"tokens": ["a"], "pos_tags": [7]}])
        entities = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITY_TAGS)))})
        for code in ("en", "sw"):
            write(f"google/xtreme/PAN-X.{code}/{split}", entities, [{"tokens": ["a"], "ner_tags": [0]}])
        write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 10)
    return write("google/xtreme/XNLI/test", XNLI, rows)


@pytest.mark.parametrize(
    ("target", "config", "language", "features"),
    [
        ("afrixnli", "masakhane/afrixnli/hau", "ha", BARE),
        ("afrixnli", "masakhane/afrixnli/swa", "sw", PAIR),
        ("indicxnli", "Divyanshu/indicxnli/or", "or", PAIR),
        ("americasnli-test", "nala-cub/americas_nli/quy", "qu", PAIR),
        ("americasnli-test", "nala-cub/americas_nli/aym", "ay", PAIR),
    ],
)
def test_pairs_are_read_in_a_language_by_its_code(
    write: Write, english: Path, target: str, config: str, language: str, features: Features
) -> None:
    data = write(f"{config}/test", features, pair_rows(2, label=2))
    assert real_data.find_languages(WIDE[target], data) == (language,)
    assert examples_of(WIDE[target], "test", language, origin=data)[0] == PairExample("p0", "h0", 2)
    assert find_problems(WIDE[target], data) == []


def test_training_and_dev_are_those_of_the_widened_target(write: Write, english: Path) -> None:
    data = write("masakhane/afrixnli/hau/test", BARE, pair_rows(1))
    for split in ("train", "dev"):
        assert examples_of(WIDE["afrixnli"], split, origin=data) == examples_of(WIDE["xnli"], split, origin=data)  # type: ignore[arg-type]


def test_another_recipe_changes_no_test_rows(write: Write, english: Path) -> None:
    """The recipe `jiant` names rows of XNLI's own: the test rows of a wide target stay what they are."""
    data = write("masakhane/afrixnli/hau/test", BARE, pair_rows(1))
    recipe = choose_recipes(BENCHMARKS["xtreme-wide"], "jiant").targets["xnli"].recipe
    assert recipe is not None and recipe.splits is not None
    task = with_splits_of(WIDE["afrixnli"], recipe)
    assert examples_of(task, "test", "ha", origin=data) == [PairExample("p0", "h0", 0)]


@pytest.mark.parametrize("label", [3, 17])
def test_an_unknown_number_is_refused_in_one_line(write: Write, english: Path, label: int) -> None:
    data = write("masakhane/afrixnli/hau/test", BARE, pair_rows(1, label=label))
    with pytest.raises(UsageError, match=rf"masakhane/afrixnli hau test: unknown label {label}; 0 to 2 are known\.$"):
        real_data.load_split(WIDE["afrixnli"], "test", "ha", origin=data)
    (line,) = find_problems(WIDE["afrixnli"], data)
    assert f"unknown label {label}" in line


def test_tags_of_another_order_are_mapped_by_name(write: Write, english: Path) -> None:
    tags = [POS_NAMES.index(name) for name in ("NOUN", "VERB")]
    rows = [{"id": "0", "tokens": ["mutum", "ya"], "upos": tags}]
    data = write("masakhane/masakhapos/hau/test", AFRICAN_POS, rows)
    ids = tuple(UPOS_TAGS.index(name) for name in ("NOUN", "VERB"))
    assert examples_of(WIDE["masakhapos"], "test", "ha", origin=data) == [TaggingExample(("mutum", "ya"), ids)]
    assert find_problems(WIDE["masakhapos"], data) == []


def test_a_sentence_with_the_unused_class_is_left_out_and_counted(write: Write, english: Path) -> None:
    rows = [{"id": "0", "tokens": ["a", "b"], "upos": [0, tag]} for tag in (0, POS_NAMES.index("_"))]
    data = write("masakhane/masakhapos/hau/test", AFRICAN_POS, rows)
    converted = real_data.load_split(WIDE["masakhapos"], "test", "ha", origin=data)
    assert (len(converted.examples), converted.left_out) == (1, {"no label": 1})


@pytest.mark.parametrize("as_text", [False, True])
def test_dates_count_as_no_entity_and_are_counted(write: Write, english: Path, as_text: bool) -> None:
    names = ["B-PER", "I-PER", "O", "B-DATE", "I-DATE", "B-DATE"]
    features = Features({**AFRICAN_ENTITIES, "ner_tags": List(TEXT)}) if as_text else AFRICAN_ENTITIES
    tags = names if as_text else [ENTITY_NAMES.index(name) for name in names]
    row = {"tokens": list("abcdef"), "ner_tags": tags}
    data = write("masakhane/masakhaner2/hau/test", features, [row, row])
    write("masakhane/masakhaner2/zul/test", features, [row])
    converted = real_data.load_split(WIDE["masakhaner"], "test", "ha", origin=data)
    ids = tuple(ENTITY_TAGS.index(name) for name in ("B-PER", "I-PER", "O", "O", "O", "O"))
    assert [example.tags for example in converted.examples if isinstance(example, TaggingExample)] == [ids, ids]
    assert converted.left_out == {"entities of type DATE": 4}
    (note,) = [line for line in collect_notes(WIDE["masakhaner"], data) if "DATE" in line]
    assert note.startswith("masakhaner: entities of type DATE count as none, since the training set lacks them: ")
    assert note.endswith(": 6 in the test (ha 4, zu 2).")


def test_an_entity_of_a_type_that_is_not_named_is_refused(write: Write, english: Path) -> None:
    names = [*ENTITY_NAMES, "B-EVENT", "I-EVENT"]
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=names))})
    data = write("masakhane/masakhaner2/hau/test", features, [{"tokens": ["a"], "ner_tags": [0]}])
    (line,) = find_problems(WIDE["masakhaner"], data)
    assert "masakhane/masakhaner2 hau test: unknown label 'B-EVENT'; there are: O, B-PER" in line


def test_questions_without_an_answer_are_left_out_and_counted(write: Write, english: Path) -> None:
    rows = [qa_row("ab cd", ["cd"], [3]), qa_row("ab cd", [""], [0], "r"), qa_row("ab cd", [], [], "s")]
    data = write("ai4bharat/IndicQA/indicqa.ta/test", QA, rows)
    converted = real_data.load_split(WIDE["indicqa"], "test", "ta", origin=data)
    assert converted.examples == [SpanExample("q", "?", "ab cd", ("cd",), (3,))]
    assert converted.left_out == {"no answer": 2}
    withheld = write("google/xtreme/XQuAD.de/validation", QA, rows)
    assert real_data.load_split(WIDE["xquad"], "test", "de", origin=withheld).left_out == {
        "no label": 1,
        "no answer": 1,
    }


def test_a_question_in_one_language_is_answered_in_a_passage_of_another(write: Write, english: Path) -> None:
    answer = {"answer_start": [3], "text": ["cd"]}
    row = {"id": "0", "context": "ab cd", "question_lang": "wane?", "answer_pivot": answer}
    data = write("masakhane/afriqa-gold-passages/hau/test", AFRIQA, [row])
    examples = examples_of(WIDE["afriqa"], "test", "ha", origin=data)
    assert examples == [SpanExample("0", "wane?", "ab cd", ("cd",), (3,))]
    assert find_problems(WIDE["afriqa"], data) == []


def test_answers_as_text_are_refused_and_the_advice_is_given(write: Write, english: Path) -> None:
    features = Features({**AFRIQA, "answer_pivot": TEXT})
    row = {"id": "0", "context": "ab cd", "question_lang": "wane?", "answer_pivot": "['cd']"}
    data = write("masakhane/afriqa-gold-passages/hau/test", features, [row])
    (line,) = find_problems(WIDE["afriqa"], data)
    assert "in the column answer_pivot (needed: record of text" in line and "masakhane-io/afriqa" in line


def test_missing_languages_and_missing_sets_are_told(write: Write, english: Path) -> None:
    data = write("masakhane/masakhapos/hau/test", AFRICAN_POS, [{"id": "0", "tokens": ["a"], "upos": [0]}])
    note = next(line for line in collect_notes(WIDE["masakhapos"], data) if "no test rows" in line)
    assert note.startswith("masakhapos: no test rows for bbj, bm, ee,") and ", ha," not in note
    (line,) = find_problems(WIDE["masakhaner"], data)
    assert line.startswith("masakhaner: no test rows in 'bbj': put Parquet files at") and "masakhaner2/bbj/test" in line
    (line,) = find_problems(WIDE["afriqa"], data)
    assert "the hub has a loading script only" in line


def test_rows_that_a_wide_target_borrows_have_their_notes_elsewhere(write: Write, english: Path) -> None:
    """XNLI's dev rows in German are no loss of AfriXNLI, and UDPOS's remark on Greek is not about MasakhaPOS."""
    data = write("masakhane/afrixnli/hau/test", BARE, pair_rows(1))
    write("masakhane/masakhapos/hau/test", AFRICAN_POS, [{"id": "0", "tokens": ["a"], "upos": [0]}])
    notes = [*collect_notes(WIDE["afrixnli"], data), *collect_notes(WIDE["masakhapos"], data)]
    assert not any("does not have" in note or "treebanks" in note for note in notes)
    assert any("trained on 20 of 392,702 published rows" in note for note in notes)  # what is cut is told


def test_dev_rows_of_another_dataset_are_no_dev_rows_of_a_wide_target(write: Write, english: Path) -> None:
    data = write("masakhane/masakhaner2/swa/test", AFRICAN_ENTITIES, [{"tokens": ["a"], "ner_tags": [0]}])
    source = DataSource(benchmark="xtreme-wide", data=str(data))
    assert find_dev_languages(source, WIDE["panx"]) == ("sw",)
    assert find_dev_languages(source, WIDE["masakhaner"]) == ()


def test_real_rows_are_whole(real: Path) -> None:
    """Every language of the sets that the folder has; repeated sentences stay, as published."""
    numbers = {
        name: {
            language: len(examples_of(WIDE[name], "test", language, origin=real)) for language in WIDE[name].languages
        }
        for name in ("masakhapos", "americasnli-test")
    }
    assert sum(numbers["masakhapos"].values()) == 12_190 and len(numbers["masakhapos"]) == 20
    assert {name: count for name, count in numbers["americasnli-test"].items() if count != 750} == {
        **{"nah": 738, "oto": 748},
    }
    assert find_problems(WIDE["masakhapos"], real) == find_problems(WIDE["americasnli-test"], real) == []
