"""One stage scores a target and its shifted ones, with the floor beside them, and keeps their predictions by item."""

import dataclasses
from pathlib import Path

import polars as pl

from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.stage import Stage
from tests.on_disk import folder_of
from tests.tiny_stages import BASE, RECIPE, run_stage
from trainables.data.task_data import DataSource
from trainables.record.context import SCORES, StageContext

LANGUAGES = {"xnli": ("en", "qma"), "xnli-mixed": ("qma-en", "en-qma"), "xnli-perturbed": ("en", "qma")}
STAGE = Stage(
    kind="target", task="xnli-en", intermediate="none", learning_rate=1e-3, targets=LANGUAGES, recipe=RECIPE, **BASE
)


def test_a_stage_scores_shifted_targets_beside_the_clean_one(context: StageContext) -> None:
    context = dataclasses.replace(
        context, keep_predictions=True, source=DataSource(benchmark="miniature", limit=60, test_limit=20)
    )
    run_stage(context, STAGE)
    folder: Path = folder_of(context, STAGE.key)
    scores = pl.read_parquet(folder / SCORES).filter(split="test")
    metrics = {
        (target, language): set(part["metric"])
        for (target, language), part in scores.group_by("target", "language", maintain_order=True)
    }
    assert metrics == {
        (target, language): {"accuracy", "majority"} for target, several in LANGUAGES.items() for language in several
    }
    predictions = pl.read_parquet(folder / PREDICTIONS_FILE).filter(split="test")
    items = predictions.group_by("target", "language").agg(pl.col("example").sort())
    assert items.height == 6 and items["example"].to_list() == [list(range(20))] * 6
    # Labels stay, so the commonest one is right as often everywhere.
    floors = scores.filter(metric="majority")["value"]
    assert floors.n_unique() == 1
