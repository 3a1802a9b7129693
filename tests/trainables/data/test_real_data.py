"""Data in hub layout: every quirk in small files that the tests write, and the real files if they exist."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import ClassLabel, Features, List, Value

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.recipes import choose_recipes
from spaces.task import Task
from spaces.xtreme import ENTITY_TAGS, INTERMEDIATES, TARGETS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import PAIR, QA, TAGGED, TEXT, XNLI, examples_of, pair_rows, qa_row
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_notes import collect_notes
from trainables.data.fingerprint import compute_fingerprint
from trainables.features.examples import ChoiceExample, PairExample, ParallelPool, SpanExample, TaggingExample

Write = Callable[..., Path]


def test_without_a_dev_split_the_tail_is_held_out(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    task = INTERMEDIATES["mnli"]
    train, dev = (examples_of(task, split, origin=data) for split in ("train", "dev"))
    assert isinstance(train, list) and isinstance(dev, list)
    assert [example.first for example in dev if isinstance(example, PairExample)] == ["p23", "p24"]
    assert len(train) == 23 and not set(train) & set(dev)
    assert collect_notes(task, data)[0] == "mnli: trained on 23 of 392,702 published rows of nyu-mll/glue mnli train."
    assert "last tenth of nyu-mll/glue mnli train" in collect_notes(task, data)[1]
    # XNLI has an English dev set of its own and trains on all rows.
    rows = [{"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}]
    data = write("google/xtreme/XNLI/validation", XNLI, rows)
    assert len(examples_of(TARGETS["xnli"], "train", origin=data)) == 25  # type: ignore[arg-type]


def recipe_task(name: str, recipes: str) -> Task:
    chosen = choose_recipes(BENCHMARKS["xtreme"], recipes)
    return chosen.targets[name] if name in chosen.targets else chosen.intermediates[name]


def test_each_recipe_selects_xnli_on_its_own_dev_rows(write: Write) -> None:
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(3))
    write("nyu-mll/glue/mnli/validation_matched", PAIR, [{"premise": "m", "hypothesis": "d", "label": 0}])
    rows = [{"language": "en", "sentence1": "x", "sentence2": "d", "gold_label": "neutral"}]
    data = write("google/xtreme/XNLI/validation", XNLI, rows)
    for recipes, first in (("ours", "x"), ("xtreme", "x"), ("jiant", "m")):
        (example,) = examples_of(recipe_task("xnli", recipes), "dev", origin=data)
        assert isinstance(example, PairExample) and example.first == first
        assert len(examples_of(recipe_task("xnli-perturbed", recipes), "train", origin=data)) == 3


def test_published_recipes_train_tydiqa_on_all_rows(write: Write) -> None:
    rows = [qa_row("ab", ["a"], [0], f"english-{i}") for i in range(20)]
    data = write("google/xtreme/tydiqa/train", QA, rows)
    data = write("google/xtreme/tydiqa/validation", QA, rows[:1])
    for recipes, trained in (("ours", 18), ("jiant", 20), ("xtreme", 20)):
        task = recipe_task("tydiqa", recipes)
        assert len(examples_of(task, "train", origin=data)) == trained
        assert len(examples_of(task, "dev", origin=data)) == 2
        note = "which training has seen" if trained == 20 else "held out of training"
        assert any(note in line for line in collect_notes(task, data))
    assert compute_fingerprint(recipe_task("tydiqa", "ours"), data) != compute_fingerprint(
        recipe_task("tydiqa", "jiant"), data
    )


def test_jiant_reads_hellaswags_begun_sentence_apart(write: Write) -> None:
    columns = Features({"ctx": TEXT, "ctx_a": TEXT, "ctx_b": TEXT, "endings": List(TEXT), "label": TEXT})
    rows = [{"ctx": "A. The", "ctx_a": "A.", "ctx_b": "the", "endings": ["x", "y"], "label": "1"}]
    data = write("Rowan/hellaswag/default/train", columns, rows)
    assert examples_of(recipe_task("hellaswag", "ours"), "train", origin=data) == [
        ChoiceExample("A. The", "", ("x", "y"), 1)
    ]
    assert examples_of(recipe_task("hellaswag", "jiant"), "train", origin=data) == [
        ChoiceExample("A.", "the", ("x", "y"), 1)
    ]


def test_languages_in_a_column(write: Write) -> None:
    rows = [
        {"language": "sw", "sentence1": "a", "sentence2": "b", "gold_label": "contradictory"},
        {"language": "de", "sentence1": "c", "sentence2": "d", "gold_label": "entailment"},
        {"language": "de", "sentence1": "e", "sentence2": "f", "gold_label": "-"},
    ]
    data = write("google/xtreme/XNLI/test", XNLI, rows)
    task = TARGETS["xnli"]
    assert real_data.find_languages(task, data) == ("de", "sw")
    assert examples_of(task, "test", "sw", origin=data) == [PairExample("a", "b", 2)]
    assert real_data.load_split(task, "test", "de", origin=data).left_out == {"no label": 1}
    with pytest.raises(UsageError, match="xnli: no test rows in 'fr'"):
        real_data.load_split(task, "test", "fr", origin=data)
    data = write("google/xtreme/XNLI/test", XNLI, [{**rows[0], "gold_label": "foo"}])
    with pytest.raises(UsageError, match="unknown label 'foo'"):
        real_data.load_split(task, "test", "sw", origin=data)


def test_a_missing_language_is_reported_and_no_error(write: Write) -> None:
    row = [{"tokens": ["Rome"], "pos_tags": [11]}]
    for split in ("English/train", "English/validation", "English/test", "German/validation", "Thai/test"):
        data = write(f"google/xtreme/udpos.{split}", TAGGED, row)
    task = TARGETS["udpos"]
    assert find_problems(task, data) == []
    assert real_data.find_languages(task, data) == ("en", "th")
    (line,) = (line for line in collect_notes(task, data) if "no test rows" in line)
    assert " de," in line and " en," not in line


def test_languages_in_ids(write: Write) -> None:
    rows = [qa_row("ab", ["a"], [0], f"english-{i}-1") for i in range(20)]
    data = write("google/xtreme/tydiqa/train", QA, [*rows, qa_row("ab", ["a"], [0], "korean-1-1")])
    data = write("google/xtreme/tydiqa/validation", QA, [qa_row("ab", ["b"], [1], "korean-2-1")])
    task = TARGETS["tydiqa"]
    assert real_data.find_languages(task, data) == ("ko",)
    train, dev = (examples_of(task, split, origin=data) for split in ("train", "dev"))
    assert isinstance(train, list) and isinstance(dev, list)
    assert (len(train), len(dev)) == (18, 2)
    assert examples_of(task, "test", "ko", origin=data) == [SpanExample("korean-2-1", "?", "ab", ("b",), (1,))]


def test_mlqa_dev_stands_in_for_its_test(write: Write) -> None:
    data = write("google/xtreme/MLQA.de.de/validation", QA, [qa_row("ab", ["a"], [0])])
    assert real_data.find_languages(TARGETS["mlqa"], data) == ("de",)
    notes = collect_notes(TARGETS["mlqa"], data)
    assert "mlqa: test is the validation split of google/xtreme, as there is no test split." in notes


def test_every_language_that_something_stands_in_for_is_named(write: Write) -> None:
    for split in ("ar.ar/test", "ar.ar/validation", "de.de/validation"):
        data = write(f"google/xtreme/MLQA.{split}", QA, [qa_row("ab", ["a"], [0])])
    (line,) = (line for line in collect_notes(TARGETS["mlqa"], data) if "as there is no" in line)
    assert line == "mlqa: test is the validation split of google/xtreme, as there is no test split (de)."


def test_a_config_without_the_paragraphs_of_xquad_is_preferred(write: Write) -> None:
    data = write("rajpurkar/squad/plain_text/train", QA, [qa_row("ab", ["a"], [0], "all")])
    data = write("rajpurkar/squad/local_no_xquad/train", QA, [qa_row("ab", ["a"], [0], "clean")])
    examples = examples_of(TARGETS["xquad"], "train", origin=data)
    assert examples == [SpanExample("clean", "?", "ab", ("a",), (0,))]


def test_line_feeds_of_tatoeba(write: Write) -> None:
    features = Features(dict.fromkeys(("source_sentence", "target_sentence", "source_lang", "target_lang"), TEXT))
    row = {"source_sentence": "ja\n", "target_sentence": "yes\n", "source_lang": "deu", "target_lang": "eng"}
    data = write("google/xtreme/tatoeba.deu/validation", features, [row, row])
    pool = real_data.load_pool(TARGETS["tatoeba"], "test", "de", origin=data)
    assert pool == ParallelPool(("yes", "yes"), ("ja", "ja"), (0, 1))  # XTREME asks in English
    assert find_problems(TARGETS["tatoeba"], data) == []


def test_check_lists_everything_at_once(write: Write, tmp_path: Path) -> None:
    data = write("nyu-mll/glue/qqp/train", PAIR, pair_rows(20))
    data = write("nyu-mll/glue/mnli/train", PAIR, [])
    broken = data / "tau/commonsense_qa/default/train-00000-of-00001.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_text("no Parquet", encoding="utf-8")
    tasks = [INTERMEDIATES[name] for name in ("qqp", "mnli", "csqa", "hellaswag")]
    lines = [line for task in (*tasks, TARGETS["tatoeba"]) for line in find_problems(task, data)]
    columns = "no column question1, question2; its columns are premise, hypothesis, label."
    assert lines[0] == f"qqp: nyu-mll/glue qqp train has {columns}"
    assert lines[1] == "mnli: nyu-mll/glue mnli train has no rows."
    assert str(broken) in lines[2] and "is not a readable Parquet file" in lines[2]
    assert lines[3].startswith("hellaswag: no train rows in 'en': put Parquet files at ")
    assert lines[-1].startswith("tatoeba: no test rows in 'af': put Parquet files at ")
    assert find_problems(tasks[0], tmp_path / "nowhere")[0].startswith("there is no folder ")


def test_fingerprint_follows_the_content(write: Write) -> None:
    task = INTERMEDIATES["mnli"]
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    first = compute_fingerprint(task, data)
    assert compute_fingerprint(task, data) == first
    write("nyu-mll/glue/qqp/train", PAIR, pair_rows(20))  # no business of this task
    assert compute_fingerprint(task, data) == first
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20, label=1))
    assert compute_fingerprint(task, data) != first


def test_unknown_task() -> None:
    with pytest.raises(UsageError, match="unknown task 'none'"):
        real_data.find_languages(dataclasses.replace(TARGETS["xnli"], name="none"), None)


def test_anli_joins_its_rounds_with_multinli_and_snli(write: Write) -> None:
    for round_name in ("r1", "r2", "r3"):
        data = write(f"facebook/anli/plain_text/train_{round_name}", PAIR, pair_rows(3, label=0))
        data = write(f"facebook/anli/plain_text/dev_{round_name}", PAIR, pair_rows(1, label=1))
    task = INTERMEDIATES["anli"]
    lines = [line.split(":")[1] for line in find_problems(task, data)]
    assert lines == [" no train rows in 'en'", " no dev rows in 'en'"]
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(10, label=2))
    assert find_problems(task, data) == []
    examples = examples_of(task, "train", origin=data)
    labels = [example.label for example in examples if isinstance(example, PairExample)]
    assert labels == [0] * 9 + [2] * 9  # a tenth of MultiNLI is held out for dev
    assert len(examples_of(task, "dev", origin=data)) == 4
    assert "anli: train without stanfordnlp/snli train, which is missing." in collect_notes(task, data)
    before = compute_fingerprint(task, data)
    write("stanfordnlp/snli/plain_text/train", PAIR, [*pair_rows(5, label=1), *pair_rows(2, label=-1)])
    converted = real_data.load_split(task, "train", origin=data)
    assert (len(converted.examples), converted.left_out) == (23, {"no label": 2})
    assert compute_fingerprint(task, data) != before


def test_supertags_are_what_the_data_say(write: Write) -> None:
    features = Features({"tokens": List(TEXT), "tags": List(TEXT)})
    task = INTERMEDIATES["ccg"]
    data = write("local/ccg/default/train", features, [{"tokens": ["It", "rains"], "tags": ["NP", "S[dcl]\\NP"]}] * 20)
    data = write("local/ccg/default/validation", features, [{"tokens": ["Rain"], "tags": ["N"]}])
    complete = real_data.resolve_labels(task, data)
    assert complete.labels == ("N", "NP", "S[dcl]\\NP")
    assert examples_of(complete, "train", origin=data)[0] == TaggingExample(("It", "rains"), (1, 2))
    assert find_problems(task, data) == []
    assert real_data.resolve_labels(TARGETS["udpos"], data) is TARGETS["udpos"]


def test_a_licensed_dataset_says_how_to_bring_it(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    line, _ = find_problems(INTERMEDIATES["ccg"], data)
    assert "LDC2005T13" in line and "local/ccg/default/train-00000-of-00001.parquet" in line and "`tags`" in line


def test_another_repository_stands_in(write: Write) -> None:
    siqa = Features(dict.fromkeys(("context", "question", "answerA", "answerB", "answerC", "label"), TEXT))
    row = {"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "c", "label": "3"}
    for split in ("train", "validation"):
        data = write(f"lighteval/siqa/default/{split}", siqa, [row] * 10)
    copa = {"premise": TEXT, "choice1": TEXT, "choice2": TEXT, "question": TEXT, "label": Value("int64")}
    event = {"premise": "p", "choice1": "x", "choice2": "y", "question": "cause", "label": 0}
    data = write("aps/super_glue/copa/train", Features(copa), [event])
    data = write("cambridgeltl/xcopa/et/test", Features(copa), [{**event, "question": "effect", "label": 1}])
    task = TARGETS_R["xcopa"]
    train = examples_of(task, "train", origin=data)
    assert train[0] == ChoiceExample("c", "q", ("a", "b", "c"), 2)
    assert train[-1] == ChoiceExample("p", "What was the cause?", ("x", "y"), 0)
    assert examples_of(task, "test", "et", origin=data) == [ChoiceExample("p", "What was the effect?", ("x", "y"), 1)]
    assert "xcopa: dev without aps/super_glue validation, which is missing." in collect_notes(task, data)
    # Languages that google/xtreme lacks are WikiANN's own.
    ner = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITY_TAGS)))})
    data = write("unimelb-nlp/wikiann/lt/test", ner, [{"tokens": ["Vilnius"], "ner_tags": [5]}])
    assert real_data.find_languages(TARGETS_R["panx"], data) == ("lt",)
    assert real_data.find_languages(TARGETS["panx"], data) == ()
    data = write("google/xquad/xquad.ro/validation", QA, [qa_row("ab", ["a"], [0])])
    assert real_data.find_languages(TARGETS_R["xquad"], data) == ("ro",)


def test_files_as_on_the_branch_of_converted_ones(write: Write) -> None:
    write("nyu-mll/glue/mnli/train/0000", PAIR, pair_rows(20))
    data = write("nyu-mll/glue/mnli/train/0001", PAIR, pair_rows(10))
    assert len(examples_of(INTERMEDIATES["mnli"], "train", origin=data)) == 27


@pytest.mark.parametrize("name", [*INTERMEDIATES, *TARGETS])
def test_real_data(real: Path, name: str) -> None:
    task = INTERMEDIATES[name] if name in INTERMEDIATES else TARGETS[name]
    if find_problems(task, real):
        pytest.skip(find_problems(task, real)[0])
    if task.kind == "retrieval":
        pool = real_data.load_pool(task, "test", real_data.find_languages(task, real)[0], origin=real)
        assert isinstance(pool, ParallelPool)
        assert len(pool.queries) == len(pool.gold) > 100
        return
    for split in ("train", "dev", "test") if name in TARGETS else ("train", "dev"):
        language = {"train": task.own_language, "dev": "en"}.get(split) or real_data.find_languages(task, real)[0]
        examples = examples_of(task, split, language, origin=real)  # type: ignore[arg-type]
        assert len(examples) >= 99  # SIB-200's dev rows
        if task.kind == "span" and split == "train":
            for example in examples:
                assert isinstance(example, SpanExample)
                for answer, start in zip(example.answers, example.starts, strict=True):
                    assert example.context.startswith(answer, start)


@pytest.mark.parametrize("name", ["sib200", "nusax"])
def test_real_texts_are_the_same_items_in_every_language(real: Path, name: str) -> None:
    task = TARGETS[name]
    assert real_data.find_languages(task, real) == task.languages
    for split in ("train", "test"):
        labels = [
            [getattr(example, "label", None) for example in examples_of(task, split, language, origin=real)]  # type: ignore[arg-type]
            for language in task.languages
        ]
        assert all(own == labels[0] for own in labels) and {*labels[0]} == {*range(len(task.labels))}


def test_the_control_has_the_pairs_of_its_task_and_labels_by_lot(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(300))
    tasks = BENCHMARKS["xtreme"].intermediates
    plain, control = (examples_of(tasks[name], "train", origin=data) for name in ("mnli", "random"))
    again = examples_of(tasks["random"], "train", origin=data)
    assert control == again  # drawn once and for all
    assert [(pair.first, pair.second) for pair in plain] == [(pair.first, pair.second) for pair in control]  # type: ignore[union-attr]
    alike = sum(pair.label == control_pair.label for pair, control_pair in zip(plain, control, strict=True))  # type: ignore[union-attr]
    assert 0.2 < alike / len(plain) < 0.47
