"""Faulty files of a data folder: every fault is named before anything is trained."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, List, Value

from spaces.errors import UsageError
from spaces.xtreme import INTERMEDIATES, TARGETS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import PAIR, QA, TEXT, XNLI, examples_of, pair_rows, qa_row
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_report import inspect

Write = Callable[..., Path]

MNLI = INTERMEDIATES["mnli"]
BARE = Features({**PAIR, "label": Value("int64")})


@pytest.fixture
def dev(write: Write) -> Path:
    """A folder with a dev set of MultiNLI: where its training set lies in the repository."""
    return write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(3)) / "nyu-mll/glue/mnli"


def problem_of(data: Path) -> str:
    """The only problem of MultiNLI, which the report has too, and with which reading fails."""
    (line,) = find_problems(MNLI, data)
    assert line in inspect(MNLI, data).problems
    with pytest.raises(UsageError):
        real_data.load_split(MNLI, "train", origin=data)
    return line


def test_a_file_of_several_is_missing_or_of_another_version(write: Write, dev: Path) -> None:
    data = write("nyu-mll/glue/mnli/train-00000-of-0002", PAIR, pair_rows(20))
    assert "only 1 of 2 files exist (train-00000-of-0002.parquet)" in problem_of(data)
    write("nyu-mll/glue/mnli/train-00001-of-0002", PAIR, pair_rows(20))
    assert len(examples_of(MNLI, "train", origin=data)) == 40
    write("nyu-mll/glue/mnli/train-00000-of-0001", PAIR, pair_rows(20))
    assert "files of several versions are mixed" in problem_of(data)
    for name in ("train-00000-of-0001", "train-00001-of-0002"):
        dev.joinpath(f"{name}.parquet").unlink()
    dev.joinpath("train-00000-of-0002.parquet").rename(dev / "train-00000-of-0001.parquet")
    write("nyu-mll/glue/mnli/train-old-00000-of-0001", PAIR, pair_rows(20))
    assert "files of several versions are mixed" in problem_of(data)


def test_older_repositories_end_names_in_a_hash(dev: Path, write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train-00000-of-00002-0a1b2c3d", PAIR, pair_rows(20))
    shard = "train-00000-of-00002-0a1b2c3d"
    dev.joinpath(f"{shard}-00000-of-00001.parquet").rename(dev / f"{shard}.parquet")
    assert "only 1 of 2 files exist" in problem_of(data)


@pytest.mark.parametrize(
    "other", [ClassLabel(names=["neutral", "entailment", "contradiction"]), Value("int64"), None], ids=str
)
def test_files_of_one_split_agree(write: Write, dev: Path, other: object) -> None:
    data = write("nyu-mll/glue/mnli/train/0000", PAIR, pair_rows(20))
    changed = {name: feature for name, feature in {**PAIR, "label": other}.items() if feature is not None}
    write("nyu-mll/glue/mnli/train/0001", Features(changed), pair_rows(20))
    assert "0001.parquet differ in the column label" in problem_of(data)


def test_a_second_file_that_is_broken(write: Write, dev: Path) -> None:
    data = write("nyu-mll/glue/mnli/train/0000", PAIR, pair_rows(20))
    dev.joinpath("train/0001.parquet").write_text("no Parquet", encoding="utf-8")
    assert "0001.parquet is not a readable Parquet file" in problem_of(data)


def test_links_to_nowhere_and_folders_are_no_files(dev: Path) -> None:
    data = dev.parents[2]
    file = dev / "train-00000-of-00001.parquet"
    file.symlink_to(dev / "nowhere")
    assert "train-00000-of-00001.parquet cannot be opened" in problem_of(data)
    file.unlink()
    file.mkdir()
    assert "train-00000-of-00001.parquet is not a readable Parquet file" in problem_of(data)


def test_a_folder_that_may_not_be_read_is_not_passed_over(
    write: Write, dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    list_folder = Path.iterdir

    def forbidden(folder: Path) -> object:  # as a user who may read everything would see it, too
        if folder == dev:
            raise PermissionError(13, "Permission denied", str(folder))
        return list_folder(folder)

    monkeypatch.setattr(Path, "iterdir", forbidden)
    assert problem_of(data) == f"mnli: the folder {dev} cannot be read: Permission denied."


def test_an_empty_file_beside_a_full_one(write: Write) -> None:
    row = {"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    write("google/xtreme/XNLI/validation", XNLI, [row])
    write("google/xtreme/XNLI/test/0000", XNLI, [])
    data = write("google/xtreme/XNLI/test/0001", XNLI, [row])
    assert find_problems(TARGETS["xnli"], data) == []
    assert len(examples_of(TARGETS["xnli"], "test", origin=data)) == 1


def test_too_few_rows_to_hold_a_tenth_out(write: Write) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(9))
    (line,) = find_problems(MNLI, data)
    assert line.startswith("mnli: nyu-mll/glue mnli train has 9 rows, too few to hold out a tenth for dev")
    assert inspect(MNLI, data).problems == (line,)


def test_columns_of_the_wrong_type_are_named(write: Write) -> None:
    tagged = Features({"tokens": TEXT, "ner_tags": List(TEXT)})
    data = write("google/xtreme/PAN-X.de/test", tagged, [{"tokens": "a b", "ner_tags": ["O", "O"]}])
    with pytest.raises(UsageError, match=r"Value\('string'\) in the column tokens \(needed: list of text\)"):
        real_data.load_split(TARGETS["panx"], "test", "de", origin=data)
    columns, row = Features({**QA, "answers": TEXT}), {**qa_row("a", [], []), "answers": "a"}
    write("google/xtreme/XQuAD.de/validation", columns, [row])
    lines = find_problems(TARGETS["xquad"], data)
    assert any(
        "in the column answers (needed: record of text (list of text) and answer_start" in line for line in lines
    )
    pair = Features({"sentence1": TEXT, "sentence2": TEXT, "label": Value("float32")})
    write("google/xtreme/PAWS-X.de/test", pair, [{"sentence1": "a", "sentence2": "b", "label": 1.0}])
    assert any("Value('float32') in the column label" in line for line in find_problems(TARGETS["pawsx"], data))


def test_a_column_that_only_the_owner_can_bring(write: Write) -> None:
    data = write("local/xquad-r/en/validation", QA, [qa_row("ab", ["a"], [0])])
    (line,) = find_problems(TARGETS_R["lareqa"], data)
    assert "has no column sentence_breaks" in line and "google-research-datasets/lareqa" in line


def test_columns_that_nobody_reads_may_be_anything(dev: Path) -> None:
    text = pa.array(["a"] * 20, pa.large_string())
    labels = pa.array(["neutral"] * 20).dictionary_encode()
    odd = pa.array([[("a", 1)]] * 20, pa.map_(pa.string(), pa.int64()))
    table = pa.table({"premise": text, "hypothesis": text, "label": labels, "odd": odd})
    pq.write_table(table, dev / "train-00000-of-00001.parquet")
    assert find_problems(MNLI, dev.parents[2]) == []
    assert len(examples_of(MNLI, "train", origin=dev.parents[2])) == 20


@pytest.mark.parametrize("text", ["---\nconfigs: [\n---\n", "\udcff"], ids=["yaml", "encoding"])
def test_a_card_that_cannot_be_read_matters_where_it_is_needed(write: Write, dev: Path, text: str) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    dev.parent.joinpath("README.md").write_bytes(text.encode(errors="surrogateescape"))
    assert find_problems(MNLI, data) == []
    write("nyu-mll/glue/mnli/train", BARE, pair_rows(20))
    (line,) = find_problems(MNLI, data)
    assert "the files do not name the labels, and the dataset card" in line and "cannot be read" in line
    assert "README.md" in line


def test_a_number_without_a_class_is_told(write: Write, dev: Path) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    table = pq.read_table(dev / "train-00000-of-00001.parquet")
    pq.write_table(table.set_column(2, table.schema.field(2), pa.array([7] * 20)), dev / "train-00000-of-00001.parquet")
    assert "unknown label 7; 0 to 2 are known" in problem_of(data)
