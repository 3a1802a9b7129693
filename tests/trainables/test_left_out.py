"""Real data with holes, from the files to the outcome: what gave no example is counted where scores are read."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from datasets import ClassLabel, Features, List

from spaces.stage import Stage
from spaces.xtreme import ENTITY_TAGS
from tests.hub_layout import QA, TEXT, qa_row
from tests.on_disk import folder_of
from tests.tiny_stages import RECIPE, run_stage, target_stage
from trainables.data.task_data import DataSource
from trainables.record.context import SCORES, StageContext
from trainables.storage.local_storage import LocalStorage

Write = Callable[..., Path]
REAL = {"benchmark": "xtreme", "recipe": {**RECIPE, "steps": 10}}


def run(data: Path, results: Path, encoder: Path, stage: Stage) -> tuple[str | None, set[int]]:
    """The note of a stage, and of how many test examples its scores are."""
    source = DataSource(benchmark="xtreme", data=str(data))
    context = StageContext(results=LocalStorage(results), source=source, model=str(encoder))
    outcome = run_stage(context, stage)
    test = pl.read_parquet(folder_of(context, stage.key) / SCORES).filter(pl.col("split") == "test")
    return outcome.note, set(test["examples"])


def test_answers(write: Write, tmp_path: Path, encoder_folder: Path) -> None:
    good = qa_row("w1 w2 w3", ["w2"], [3])
    write("rajpurkar/squad/plain_text/train", QA, [*[good] * 16, qa_row("w1", ["w9"], [0]), {**good, "context": ""}])
    write("rajpurkar/squad/plain_text/validation", QA, [good, {**good, "answers": None}])
    rows = [good, {**good, "context": None, "question": ""}, qa_row("w1", [], [])]  # an empty paragraph is scored
    data = write("google/xtreme/XQuAD.de/validation", QA, rows)
    stage = target_stage("squad", {"xquad": ("de",)}, **REAL)
    note, examples = run(data, tmp_path / "results", encoder_folder, stage)
    assert note == (
        "left out of xquad's training: answer not found in the context (1), empty text (1); "
        "left out of xquad's dev: no label (1); left out of xquad de: no answer (1)"
    )
    assert examples == {2}


def test_tags(write: Write, tmp_path: Path, encoder_folder: Path) -> None:
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(reversed(ENTITY_TAGS))))})
    good = [{"tokens": ["w1", "w2"], "ner_tags": [6, i % 6]} for i in range(16)]
    holes = [
        {"tokens": ["w1"], "ner_tags": [6, 6]},
        {"tokens": None, "ner_tags": None},
        {"tokens": [""], "ner_tags": [6]},
    ]
    for split in ("en/train", "en/validation", "de/test"):
        data = write(f"google/xtreme/PAN-X.{split}", features, [*good, *holes])
    stage = target_stage("panx", {"panx": ("de",)}, **REAL)
    note, examples = run(data, tmp_path / "results", encoder_folder, stage)
    reasons = "different numbers of words and tags (1), no words (1)"
    assert note == "; ".join(
        f"left out of {split_name}: {reasons}" for split_name in ("panx's training", "panx's dev", "panx de")
    )
    assert examples == {17}
