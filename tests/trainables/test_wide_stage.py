"""A stage with a wide target: it trains what the stage without one trains, and tells what it left out."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from datasets import ClassLabel, Features, List

from spaces.stage import Stage
from spaces.xtreme import ENTITY_TAGS
from tests.hub_layout import TEXT
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE, run_stage, target_stage
from trainables.data.task_data import DataSource
from trainables.record.context import SCORES, StageContext
from trainables.storage.local_storage import LocalStorage

Write = Callable[..., Path]
FIELDS = {"recipe": {**RECIPE, "steps": 10}}
NAMES = [*ENTITY_TAGS, "B-DATE", "I-DATE"]


def run(stage: Stage, data: Path, results: Path, encoder: Path) -> tuple[str | None, pl.DataFrame]:
    """The note and the score rows of a stage."""
    source = DataSource(benchmark=stage.benchmark, data=str(data))
    context = StageContext(results=LocalStorage(results), source=source, model=str(encoder))
    note = run_stage(context, stage).note
    return note, drop_costs(pl.read_parquet(folder_of(context, stage.key) / SCORES)).drop("stage", "benchmark")


def test_the_widened_target_has_the_scores_that_it_had(write: Write, tmp_path: Path, encoder_folder: Path) -> None:
    features = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=list(ENTITY_TAGS)))})
    rows = [{"tokens": ["w1", "w2"], "ner_tags": [0, i % 7]} for i in range(16)]
    for split in ("en/train", "en/validation", "de/test"):
        write(f"google/xtreme/PAN-X.{split}", features, rows)
    african = Features({"tokens": List(TEXT), "ner_tags": List(ClassLabel(names=NAMES))})
    dates = [{"tokens": ["w1", "w2"], "ner_tags": [NAMES.index("B-DATE"), NAMES.index("I-DATE")]}]
    data = write("masakhane/masakhaner2/hau/test", african, [*rows, *dates])
    alone = target_stage("panx", {"panx": ("de",)}, benchmark="xtreme", **FIELDS)
    wide = target_stage("panx", {"panx": ("de",), "masakhaner": ("ha",)}, benchmark="xtreme-wide", **FIELDS)
    assert alone.key != wide.key
    _, before = run(alone, data, tmp_path / "alone", encoder_folder)
    note, after = run(wide, data, tmp_path / "wide", encoder_folder)
    assert after.filter(target="panx").equals(before)
    assert note == "left out of masakhaner ha: entities of type DATE (1)"
    test = after.filter(target="masakhaner", split="test")
    assert set(test["language"]) == {"ha"} and set(test["examples"]) == {17}
