"""The training of a ceiling: its rows, its steps, its notes; and dev scores in other languages."""

import dataclasses

import polars as pl
import pytest

from spaces.encoders import PROFILES
from spaces.stage import Stage
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE, run_stage, target_stage
from tests.trainables.conftest import tiny_encoder
from trainables.record.context import SCORES, StageContext
from trainables.record.scores import has_foreign_dev
from trainables.stage_trial import context_from_json, context_to_json
from trainables.training.fine_tuning import FineTuning
from trainables.training_stage import start_training

LANGUAGES = {"xnli": ("en", "qma")}
EPOCHS = {**{name: value for name, value in RECIPE.items() if name != "steps"}, "steps": None, "epochs": 2}


def stage_with(shots: int | None, splits: dict[str, str], recipe: dict[str, object] = RECIPE, seed: int = 0) -> Stage:
    entry = {"foreign_rows": {"shots": shots, "splits": splits}}
    return target_stage("xnli-en", LANGUAGES, recipe={**recipe, **entry}, seed=seed)


def training_of(context: StageContext, stage: Stage) -> FineTuning:
    return start_training(stage, tiny_encoder(), context, PROFILES["miniature"])


def shares(training: FineTuning) -> dict[str | None, float]:
    total = sum(part.weight for part in training.parts)
    return {part.language: part.weight / total for part in training.parts}


def test_translations_share_the_steps_of_zero_shot_training_evenly(context: StageContext) -> None:
    plain = training_of(context, target_stage("xnli-en", LANGUAGES, recipe=EPOCHS))
    training = training_of(context, stage_with(None, {"qma": "train", "qmb": "train"}, EPOCHS))
    assert training.steps == plain.steps  # epochs are counted on the English rows
    assert shares(training) == pytest.approx({None: 1 / 3, "qma": 1 / 3, "qmb": 1 / 3})
    assert all((part.indices == plain.parts[0].indices).all() for part in training.parts)  # the same rows, translated
    assert len(training.heads) == 1
    assert [dev_set.language for dev_set in training.selection.dev_sets] == ["en"]


def test_shots_of_all_languages_together_get_half_of_the_steps(context: StageContext) -> None:
    splits = dict.fromkeys(("qna", "qma", "qmb", "qfa"), "train")
    plain, training = (training_of(context, stage) for stage in
                       (target_stage("xnli-en", LANGUAGES, recipe=EPOCHS), stage_with(5, splits, EPOCHS)))  # fmt: skip
    assert training.steps == plain.steps
    assert shares(training) == pytest.approx({None: 0.5, **dict.fromkeys(splits, 0.125)})
    assert [part.example_count for part in training.parts[1:]] == [5] * 4
    batches = [training.batches.batch_at(step) for step in range(training.steps)]
    assert {part for part, _ in batches} <= {0, 1, 2, 3, 4} and all(len(batch) == 8 for _, batch in batches)


def test_a_seed_draws_the_same_shots_at_every_rate(context: StageContext) -> None:
    stages = [stage_with(4, {"qma": "train"}, seed=seed) for seed in (0, 0, 1)]
    stages[1] = dataclasses.replace(stages[1], learning_rate=1e-2)
    rows = [training_of(context, stage).parts[1].table[0].rows for stage in stages]
    assert [tuple(map(int, row[0])) for row in rows[:1]] == [tuple(map(int, row[0])) for row in rows[1:2]]
    assert [tuple(map(int, row[0])) for row in rows[:1]] != [tuple(map(int, row[0])) for row in rows[2:]]


def test_a_language_with_fewer_rows_is_noted(context: StageContext) -> None:
    outcome = run_stage(context, stage_with(500, {"qma": "train", "qmb": "dev"}))
    assert outcome.note == "fewer than 500 rows to learn from: qmb 200"
    assert outcome.status in ("finished", "degenerate")


def test_dev_sets_of_other_languages_are_scored_once_and_select_nothing(context: StageContext) -> None:
    stage = target_stage("xnli-en", {"xnli": ("en", "qma"), "xnli-mixed": ("qma-en",)})
    plain = run_stage(context, stage)
    without = pl.read_parquet(folder_of(context, stage.key) / SCORES)
    content = (folder_of(context, stage.key) / SCORES).read_bytes()
    other = dataclasses.replace(context, target_dev=True, results=type(context.results)(folder_of(context, "again")))
    scored = run_stage(other, stage)
    rows = pl.read_parquet(folder_of(other, stage.key) / SCORES)
    added = rows.filter(pl.col("language") != "en", split="dev")
    assert set(added["language"]) == {"qna", "qnb", "qma", "qmb", "qfa"} and set(added["target"]) == {"xnli"}
    assert set(added["tenth"]) == {scored.best_tenth} and set(added["examples"]) == {20}
    assert (plain.curve, plain.best_tenth) == (scored.curve, scored.best_tenth)
    kept = rows.filter((pl.col("language") == "en") | (pl.col("split") == "test"))
    assert drop_costs(kept).equals(drop_costs(without))
    assert not has_foreign_dev(content)
    assert has_foreign_dev((folder_of(other, stage.key) / SCORES).read_bytes())


def test_dev_rows_that_were_trained_on_are_not_scored(context: StageContext) -> None:
    stage = stage_with(3, {"qma": "train", "qmb": "dev"})
    run_stage(dataclasses.replace(context, target_dev=True), stage)
    rows = pl.read_parquet(folder_of(context, stage.key) / SCORES)
    assert set(rows.filter(split="dev")["language"]) == {"en", "qna", "qnb", "qma", "qfa"}


def test_workers_are_told_to_score_dev_sets(context: StageContext) -> None:
    for sent in (context, dataclasses.replace(context, target_dev=True)):
        assert context_from_json(context_to_json(sent)) == sent
