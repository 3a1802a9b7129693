"""Problems and notes of data: reported before anything starts, and by `--check`."""

from collections.abc import Callable
from pathlib import Path

from datasets import Features, List, Value

from spaces.xtreme import INTERMEDIATES, NLI_LABELS, TARGETS
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import PAIR, QA, TAGGED, TOPIC, XNLI, examples_of, pair_rows, qa_row, topic_rows
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_report import inspect
from trainables.data.fingerprint import compute_fingerprint

Write = Callable[..., Path]


def test_every_task_says_where_its_data_are() -> None:
    for task in (*INTERMEDIATES.values(), *TARGETS.values(), *TARGETS_R.values()):
        parts = TASK_SPLITS.find(task.clean_target or task.name)
        assert (task.recipe is not None) == bool(parts.train)
        assert task.recipe is None or parts.dev
        for part in (*parts.train, *parts.dev, *parts.test, *parts.pool):
            while part is not None:
                assert part.dataset in DATASETS
                part = part.fallback  # type: ignore[assignment]


def test_withheld_test_labels_are_a_problem_before_anything_starts(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    row = {"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    data = write("google/xtreme/XNLI/validation", XNLI, [row])
    data = write("google/xtreme/XNLI/test", XNLI, [{**row, "gold_label": ""}] * 3)
    (line,) = find_problems(TARGETS["xnli"], data)
    assert line.startswith("xnli: google/xtreme XNLI test: no labels in 'en'")
    data = write("google/xtreme/XNLI/test", XNLI, [{**row, "gold_label": ""}, row])
    assert find_problems(TARGETS["xnli"], data) == []
    assert real_data.load_split(TARGETS["xnli"], "test", "en", origin=data).left_out == {"no label": 1}
    # Questions without answers are withheld ones, too, unless the task has unanswerable ones.
    for split in ("train", "validation"):
        data = write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 20)
    data = write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", [""], [0])])
    assert any("no labels in 'de'" in line for line in find_problems(TARGETS["xquad"], data))


def test_a_loading_script_is_named(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    (data / "allenai/cosmos_qa").mkdir(parents=True)
    (data / "allenai/cosmos_qa/cosmos_qa.py").write_text("raise SystemExit", encoding="utf-8")
    line = find_problems(INTERMEDIATES["cosmosqa"], data)[0]
    assert "the folder has a loading script, which is not executed: get the branch refs/convert/parquet" in line


def test_names_of_labels_may_stand_on_the_card_only(write: Write) -> None:
    bare = Features({**PAIR, "label": Value("int64")})
    data = write("nyu-mll/glue/mnli/train", bare, pair_rows(20, label=2))
    names = "".join(f"        '{i}': {name}\n" for i, name in enumerate(reversed(NLI_LABELS)))
    (data / "nyu-mll/glue/README.md").write_text(
        "---\nconfigs:\n- config_name: mnli\n  data_files:\n  - split: train\n    path: mnli/train-*\n"
        "dataset_info:\n- config_name: mnli\n  features:\n  - name: premise\n    dtype: string\n"
        "  - name: hypothesis\n    dtype: string\n  - name: label\n    dtype:\n      class_label:\n       names:\n"
        f"{names}---\n",
        encoding="utf-8",
    )
    assert find_problems(INTERMEDIATES["mnli"], data) == []
    assert examples_of(INTERMEDIATES["mnli"], "train", origin=data)[0].label == 0  # type: ignore[union-attr]


def test_inspection_counts_rows_and_languages(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    rows = [
        {"language": language, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
        for language in ("en", "en", "sw")
    ]
    data = write("google/xtreme/XNLI/validation", XNLI, rows)
    data = write("google/xtreme/XNLI/test", XNLI, rows)
    report = inspect(TARGETS["xnli"], data)
    splits = [(split.split, split.row_count, split.languages) for split in report.splits]
    assert splits == [("train", 20, ("en",)), ("dev", 2, ("en",)), ("test", 3, ("en", "sw"))]
    assert report.problems == ()
    assert any("no test rows for ar, bg" in line for line in report.notes)


def test_a_strange_label_anywhere_is_told_before_anything_is_trained(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    row = {"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    data = write("google/xtreme/XNLI/validation", XNLI, [row])
    data = write("google/xtreme/XNLI/test", XNLI, [row, {**row, "language": "sw", "gold_label": "nope"}])
    (line,) = find_problems(TARGETS["xnli"], data)
    assert line.startswith("xnli: google/xtreme XNLI test: unknown label 'nope'")
    assert inspect(TARGETS["xnli"], data).problems == (line,)


def test_a_strange_label_is_told_with_file_and_row(write: Write) -> None:
    for split, rows in (("train", topic_rows(20)), ("validation", topic_rows(3)), ("test", topic_rows(3))):
        data = write(f"Davlan/sib200/eng_Latn/{split}", TOPIC, rows)
    assert find_problems(TARGETS["sib200"], data) == []
    write("Davlan/sib200/swh_Latn/test", TOPIC, [*topic_rows(4), *topic_rows(2, "cooking")])
    (line,) = find_problems(TARGETS["sib200"], data)
    assert line == (
        "sib200: Davlan/sib200 swh_Latn test: unknown label 'cooking'; there are: science/technology, travel, "
        "politics, sports, health, entertainment, geography. It is in row 5 of "
        f"{data}/Davlan/sib200/swh_Latn/test-00000-of-00001.parquet: correct or remove that row."
    )
    named = Features({**TAGGED, "pos_tags": List(Value("string"))})
    for split, tag in (("train", "NOUN"), ("validation", "NOUN"), ("test", "nope")):
        row = {"tokens": ["a", "b"], "pos_tags": ["VERB", tag]}
        data = write(f"google/xtreme/udpos.English/{split}", named, [{**row, "pos_tags": ["VERB", "X"]}, row])
    (line,) = find_problems(TARGETS["udpos"], data)
    assert "unknown label 'nope'" in line and "It is in row 2 of " in line  # a tag in a list


def test_rows_of_unknown_languages_are_counted(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    row = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    data = write("google/xtreme/XNLI/validation", XNLI, [{**row, "language": "en"}])
    rows = [{**row, "language": language} for language in ("en", "xx", "xx", "zh-CN", None)]
    data = write("google/xtreme/XNLI/test", XNLI, rows)
    assert find_problems(TARGETS["xnli"], data) == []
    (line,) = (line for line in inspect(TARGETS["xnli"], data).notes if "not read" in line)
    assert line.endswith("has rows in languages that the task does not have, not read: none (1), xx (2), zh-CN (1).")
    rows = [qa_row("ab", ["a"], [0], f"english-{i}") for i in range(20)]
    data = write("google/xtreme/tydiqa/train", QA, [*rows, qa_row("ab", ["a"], [0], None)])
    data = write("google/xtreme/tydiqa/validation", QA, rows)
    assert any("not read: none (1)" in line for line in inspect(TARGETS["tydiqa"], data).notes)


def test_ids_that_tell_no_language_are_shown(write: Write) -> None:
    rows = [{**qa_row("ab", ["a"], [0]), "id": i} for i in range(20)]
    for split in ("train", "validation"):
        data = write(f"google/xtreme/tydiqa/{split}", Features({**QA, "id": Value("int64")}), rows)
    for line in find_problems(TARGETS["tydiqa"], data):
        assert "has none: its column id says 0, 1, 10, 11, 12" in line


def test_one_fault_does_not_hide_the_others(write: Write) -> None:
    nameless = Features({name: feature for name, feature in XNLI.items() if name != "language"})
    data = write("google/xtreme/XNLI/test", nameless, [{"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}])
    (data / "google/xtreme/XNLI/validation-00000-of-00001.parquet").write_text("no Parquet", encoding="utf-8")
    problems = inspect(TARGETS["xnli"], data).problems
    for part in ("no train rows", "is not a readable Parquet file", "XNLI test has no column language"):
        assert sum(part in line for line in problems) == 1
    assert list(problems) == find_problems(TARGETS["xnli"], data)


CARD = """---
configs:
- config_name: mnli
  data_files:
  - split: train
    path: [elsewhere/training-*.parquet]
  - split: validation_matched
    path: elsewhere/{dev}
---
"""


def test_files_lie_where_the_card_declares_them(write: Write) -> None:
    data = write("nyu-mll/glue/elsewhere/training", PAIR, pair_rows(20))
    write("nyu-mll/glue/elsewhere/dev", PAIR, pair_rows(5))
    card = data / "nyu-mll/glue/README.md"
    assert "no train rows" in find_problems(INTERMEDIATES["mnli"], data)[0]
    card.write_text(CARD.format(dev="dev-*"), encoding="utf-8")
    assert find_problems(INTERMEDIATES["mnli"], data) == []
    assert len(examples_of(INTERMEDIATES["mnli"], "train", origin=data)) == 20
    assert len(examples_of(INTERMEDIATES["mnli"], "dev", origin=data)) == 5
    (data / "nyu-mll/glue/elsewhere/dev.jsonl").write_text("{}", encoding="utf-8")
    card.write_text(CARD.format(dev="dev.jsonl"), encoding="utf-8")
    problems = find_problems(INTERMEDIATES["mnli"], data)
    assert any("elsewhere/dev.jsonl is there, in a form that is not read" in line for line in problems)


def test_names_of_labels_on_the_card_are_in_the_fingerprint(write: Write) -> None:
    bare = Features({**PAIR, "label": Value("int64")})
    data = write("nyu-mll/glue/mnli/train", bare, pair_rows(20, label=2))

    def fingerprint(names: tuple[str, ...], feature: str = "label") -> str:
        listing = "".join(f"        '{i}': {name}\n" for i, name in enumerate(names))
        (data / "nyu-mll/glue/README.md").write_text(
            "---\ndataset_info:\n- config_name: mnli\n  features:\n  - name: premise\n    dtype: string\n"
            f"  - name: {feature}\n    dtype:\n      class_label:\n       names:\n{listing}---\nA card.\n",
            encoding="utf-8",
        )
        return compute_fingerprint(INTERMEDIATES["mnli"], data)

    assert fingerprint(NLI_LABELS) != fingerprint(NLI_LABELS[::-1])
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20, label=2))  # these files name their labels
    assert fingerprint(NLI_LABELS) == fingerprint(NLI_LABELS[::-1])
