"""Data in the hub's layout for tests: column types, rows, and a writer of splits."""

from pathlib import Path
from typing import Any

import datasets
from datasets import ClassLabel, Features, List, Value

from spaces.task import Task
from spaces.xtreme import NLI_LABELS, UPOS_TAGS
from trainables.data import real_data
from trainables.data.locate import DataSplit
from trainables.features.examples import Example

TEXT = Value("string")
PAIR = Features({"premise": TEXT, "hypothesis": TEXT, "label": ClassLabel(names=list(NLI_LABELS))})
TOPIC = Features({"index_id": Value("int64"), "text": TEXT, "category": TEXT})
XNLI = Features({"language": TEXT, "sentence1": TEXT, "sentence2": TEXT, "gold_label": TEXT})
TAGGED = Features({"tokens": List(TEXT), "pos_tags": List(ClassLabel(names=list(UPOS_TAGS)))})
QA = Features(
    {
        "id": TEXT,
        "context": TEXT,
        "question": TEXT,
        "answers": {"text": List(TEXT), "answer_start": List(Value("int32"))},
    }
)


def pair_rows(count: int, label: int = 0) -> list[dict[str, Any]]:
    return [{"premise": f"p{i}", "hypothesis": f"h{i}", "label": label} for i in range(count)]


def topic_rows(count: int, category: str = "travel") -> list[dict[str, Any]]:
    return [{"index_id": i, "text": f"t{i}", "category": category} for i in range(count)]


def qa_row(context: str, answers: list[str], starts: list[int], name: str = "q") -> dict[str, Any]:
    return {"id": name, "context": context, "question": "?", "answers": {"text": answers, "answer_start": starts}}


def examples_of(task: Task, split: DataSplit, language: str = "en", *, origin: Path) -> list[Example]:
    return real_data.load_split(task, split, language, origin=origin).examples


class Layout:
    """A data folder; `write` adds a split to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def write(self, split: str, features: Features, rows: list[dict[str, Any]]) -> Path:
        """Write rows as the Parquet file of `repository/config/split`, and return the data folder.

        A split that ends in digits is one file of several: `split-00001-of-00002`, or `split/0001` as converted.
        """
        file = self.folder / f"{split}{'' if split[-4:].isdigit() else '-00000-of-00001'}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: [row[name] for row in rows] for name in features}
        datasets.Dataset.from_dict(columns, features=features).to_parquet(str(file))
        return self.folder
