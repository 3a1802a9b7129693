"""Real data with holes, from the files to the outcome: what gave no example is counted where scores are read."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from datasets import ClassLabel, Features, List

from spaces.stage import Stage
from spaces.xtreme import ENTITY_TAGS
from tests.hub_layout import QA, TEXT, qa_row
from tests.on_disk import folder_of
from tests.tiny_stages import BASE, RECIPE, run_stage
from trainables.data.task_data import DataSource
from trainables.record.context import SCORES, StageContext
from trainables.storage.local_storage import LocalStorage

Write = Callable[..., Path]


def target(training: str, targets: dict[str, tuple[str, ...]]) -> Stage:
    fields = {**BASE, "benchmark": "xtreme", "recipe": {**RECIPE, "steps": 10}}
    return Stage(
        kind="target",
        task=training,
        intermediate="none",
        learning_rate=1e-3,
        targets=targets,
        **fields,  # type: ignore[arg-type]
    )


def context_of(tmp_path: Path, data: Path, encoder_folder: Path) -> StageContext:
    return StageContext(
        results=LocalStorage(tmp_path / "results"),
        source=DataSource(benchmark="xtreme", data=str(data)),
        model=str(encoder_folder),
    )


def test_answers(write: Write, tmp_path: Path, encoder_folder: Path) -> None:
    good = qa_row("w1 w2 w3", ["w2"], [3])
    write("rajpurkar/squad/plain_text/train", QA, [*[good] * 16, qa_row("w1", ["w9"], [0]), {**good, "context": ""}])
    write("rajpurkar/squad/plain_text/validation", QA, [good, {**good, "answers": None}])
    rows = [good, {**good, "context": None, "question": ""}, qa_row("w1", [], [])]  # an empty paragraph is scored
    data = write("google/xtreme/XQuAD.de/validation", QA, rows)
    stage = target("squad", {"xquad": ("de",)})
    context = context_of(tmp_path, data, encoder_folder)
    outcome = run_stage(context, stage)
    assert outcome.note == (
        "rows left out of xquad's training: answer not found in the context (1), empty text (1); "
        "rows left out of xquad's dev: no label (1); rows left out of xquad de: no answer (1)"
    )
    test = pl.read_parquet(folder_of(context, stage.key) / SCORES).filter(pl.col("split") == "test")
    assert set(test["examples"]) == {2}


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
    stage = target("panx", {"panx": ("de",)})
    context = context_of(tmp_path, data, encoder_folder)
    outcome = run_stage(context, stage)
    reasons = "different numbers of words and tags (1), no words (1)"
    assert outcome.note == "; ".join(
        f"rows left out of {split_name}: {reasons}" for split_name in ("panx's training", "panx's dev", "panx de")
    )
    test = pl.read_parquet(folder_of(context, stage.key) / SCORES).filter(pl.col("split") == "test")
    assert set(test["examples"]) == {17}
