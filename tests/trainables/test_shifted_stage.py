"""One stage scores a target and its shifted ones, with the floor beside them, and keeps their predictions by item."""

import dataclasses

import polars as pl

from spaces.prediction_columns import PREDICTIONS_FILE
from tests.tiny_stages import folder_after, target_stage
from trainables.record.context import SCORES, StageContext

LANGUAGES = {"xnli": ("en", "qma"), "xnli-mixed": ("qma-en", "en-qma"), "xnli-perturbed": ("en", "qma")}
STAGE = target_stage("xnli-en", LANGUAGES)


def test_a_stage_scores_shifted_targets_beside_the_clean_one(context: StageContext) -> None:
    folder = folder_after(dataclasses.replace(context, keep_predictions=True), STAGE)
    scores = pl.read_parquet(folder / SCORES).filter(split="test")
    groups = scores.group_by("target", "language", maintain_order=True)
    metrics = {(target, language): set(part["metric"]) for (target, language), part in groups}
    cells = [(target, language) for target, several in LANGUAGES.items() for language in several]
    assert metrics == {cell: {"accuracy", "majority"} for cell in cells}
    predictions = pl.read_parquet(folder / PREDICTIONS_FILE).filter(split="test")
    items = predictions.group_by("target", "language").agg(pl.col("example").sort())
    assert items.height == 6 and items["example"].to_list() == [list(range(20))] * 6
    # Labels stay, so the commonest one is right as often everywhere.
    floors = scores.filter(metric="majority")["value"]
    assert floors.n_unique() == 1
