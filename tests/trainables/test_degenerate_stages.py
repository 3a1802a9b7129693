"""Degenerate stages: diverged, constant, at chance level, or with vectors that are no numbers."""

import dataclasses
import re

import polars as pl
import pytest
import torch

from spaces.benchmark import BENCHMARKS
from tests.on_disk import folder_of
from tests.tiny_stages import RECIPE, RETRIEVAL, TARGET, intermediate_stage, run_stage, start_stage
from trainables import retrieval_stage
from trainables.data.task_data import load_pool
from trainables.record.context import SCORES, StageContext
from trainables.retrieval.embeddings import Embedder
from trainables.training.fine_tuning import FineTuning
from trainables.training.trivial_answers import choose_trivial_answer, score_trivial_answer
from trainables.training_stage import choose_trivial_answers, find_degeneracy

INTERMEDIATE = intermediate_stage("csqa")
TATOEBA = BENCHMARKS["miniature"].targets["tatoeba"]


def test_a_diverged_run_is_degenerate_and_keeps_its_curve(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_run = start_stage(context, INTERMEDIATE)
    assert stage_run.training is not None
    with torch.no_grad():
        stage_run.training.heads[0].score.out.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]
    outcome = stage_run.advance()
    stage_run.close()
    assert outcome.status == "degenerate" and "the loss is nan" in str(outcome.reason) and outcome.tenth == 1
    rows = pl.read_parquet(folder_of(context, INTERMEDIATE.key) / SCORES)
    assert set(rows["status"]) == {"degenerate"} and rows["value"].null_count() == 0


def test_constant_predictions_are_degenerate(context: StageContext) -> None:
    stage_run = start_stage(context, INTERMEDIATE)
    assert isinstance(stage_run.training, FineTuning)
    stage_run.training.selection.is_constant = True
    assert find_degeneracy(stage_run.training, choose_trivial_answers(stage_run.training)) == "constant predictions"
    stage_run.close()


@pytest.mark.parametrize("languages", [("qna", "qfa"), ("qfa",)])
def test_retrieval_with_vectors_that_are_no_numbers_is_degenerate(
    context: StageContext, languages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {load_pool(context.source, TATOEBA, "test", language).queries for language in languages}

    class BrokenEmbedder(Embedder):
        def __call__(self, sentences: tuple[str, ...], layers: tuple[int, ...]) -> torch.Tensor:
            vectors = super().__call__(sentences, layers).clone()
            vectors[:, 0, 0] = float("nan") if sentences in broken else vectors[:, 0, 0]
            return vectors

    monkeypatch.setattr(retrieval_stage, "Embedder", BrokenEmbedder)
    outcome = run_stage(context, RETRIEVAL)
    assert outcome.status == "degenerate" and outcome.score is None
    assert re.fullmatch(r"the vectors of layer 2 are not finite in q[nf]a", str(outcome.reason))
    rows = pl.read_parquet(folder_of(context, RETRIEVAL.key) / SCORES)
    assert set(rows["status"]) == {"degenerate"}
    lacking = rows.filter(pl.col("value").is_null())
    assert set(lacking["language"]) == set(languages) and set(lacking["metric"]) == set(TATOEBA.official_metrics)
    assert rows["value"].drop_nulls().is_finite().all()


def test_a_layer_that_nobody_reads_may_have_no_numbers(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    class BrokenEmbedder(Embedder):
        def __call__(self, sentences: tuple[str, ...], layers: tuple[int, ...]) -> torch.Tensor:
            vectors = super().__call__(sentences, layers).clone()
            vectors[1] = float("inf")
            return vectors

    monkeypatch.setattr(retrieval_stage, "Embedder", BrokenEmbedder)
    assert run_stage(context, RETRIEVAL).status == "finished"
    names = set(pl.read_parquet(folder_of(context, RETRIEVAL.key) / SCORES)["metric"])
    assert "accuracy_layer_0" in names and "accuracy_layer_1" not in names


def test_chance_level_is_degenerate_except_for_a_control(context: StageContext) -> None:
    # One step per tenth at a tiny rate teaches nothing: three options, a third right.
    still = dataclasses.replace(INTERMEDIATE, learning_rate=1e-9)
    outcome = run_stage(context, still)
    assert (outcome.status, outcome.reason) in [("degenerate", "chance level"), ("degenerate", "constant predictions")]
    recipe = {**RECIPE, "ingredients": [["random", "en"]]}
    control = dataclasses.replace(still, task="random", intermediate="random", recipe=recipe)
    assert run_stage(context, control).reason != "chance level"


def test_spans_no_better_than_an_answer_without_reading_are_degenerate(context: StageContext) -> None:
    stage_run = start_stage(context, TARGET)
    training = stage_run.training
    assert isinstance(training, FineTuning)
    trivial = choose_trivial_answer(training.parts[0].table.targets, training.selection.dev_sets[0])
    assert trivial is not None
    chance = score_trivial_answer(trivial, training.selection.dev_sets[0])
    selection = training.selection
    selection.dev_metrics, selection.curve, selection.is_constant = [chance], [0.5], False
    answers = {training.selection.dev_sets[0].task.name: trivial}
    assert find_degeneracy(training, answers) == "chance level"
    assert find_degeneracy(training, answers, is_floor=True) is None  # untrained weights may be at chance
    selection.dev_metrics = [{**chance, "f1": chance["f1"] + 0.01}]
    assert find_degeneracy(training, answers) is None
    stage_run.close()


def test_a_degenerate_run_that_was_trained_to_the_end_keeps_its_test_scores(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.stage_run.find_degeneracy", lambda *_, **__: "chance level")
    assert run_stage(context, TARGET).status == "degenerate"
    rows = pl.read_parquet(folder_of(context, TARGET.key) / SCORES)
    test = rows.filter(pl.col("split") == "test", pl.col("official"))
    assert set(rows["status"]) == {"degenerate"} and test["value"].null_count() == 0
    assert set(test.select("target", "language").iter_rows()) == {("xquad", "en"), ("xquad", "qfa"), ("mlqa", "en")}
