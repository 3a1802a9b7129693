"""Retrieval stages: the pools they score, and their results."""

from dataclasses import replace

from spaces.benchmark import BENCHMARKS
from spaces.encoders import EncoderProfile
from spaces.stage import TENTHS, Stage
from spaces.task import read_retrieval_recipe
from trainables.data.task_data import load_dev_pool, load_pool
from trainables.models.encoder import Encoder
from trainables.record.context import StageContext
from trainables.record.results import TestResults
from trainables.retrieval.embeddings import Embedder
from trainables.retrieval.retrieval import NonFiniteVectorsError, retrieve
from trainables.training.evaluation import build_metric_rows
from trainables.training.predictions import build_retrieval_table
from trainables.worker.stage_clock import count, spend


def score_retrieval(stage: Stage, encoder: Encoder, context: StageContext, profile: EncoderProfile) -> TestResults:
    """Return every metric in every language of the stage, and a note on thresholds chosen on the test pool.

    A language whose vectors are not finite has null for its official metrics, and makes the stage degenerate.
    """
    reading = read_retrieval_recipe(stage.recipe)
    task = replace(BENCHMARKS.find(stage.benchmark).targets[stage.task], retrieval=reading)
    folder = None if context.source.is_miniature else context.encoded_folder
    embedder = Embedder(encoder, reading.pooling, folder)
    results, without_dev = TestResults(), []
    languages = stage.targets[task.name]
    for number, language in enumerate(languages):
        count(number, len(languages))
        with spend("tokenising"):
            test = load_pool(context.source, task, "test", language)
            dev = load_dev_pool(context.source, task, language) if task.retrieval_mode == "mine" else None
        results.note_left_out(f"{task.name} {language}", test.left_out)
        if dev is not None:
            results.note_left_out(f"{task.name}'s dev {language}", dev.left_out)
        elif task.retrieval_mode == "mine":
            without_dev.append(language)
        columns = {"target": task.name, "tenth": TENTHS, "language": language, "examples": len(test.queries)}
        try:
            retrieved = retrieve(embedder, task, profile, test, dev)
        except NonFiniteVectorsError as error:
            results.degeneracies.append(f"{error} in {language}")
            nothing = dict.fromkeys(task.official_metrics)
            results.rows.extend(build_metric_rows(nothing, task.official_metrics, split="test", **columns))
            continue
        if context.keep_predictions:
            results.predictions.append(build_retrieval_table(stage.key, task, language, test, retrieved.pairs))
        results.rows.extend(build_metric_rows(retrieved.metrics, task.official_metrics, split="test", **columns))
    if without_dev:
        results.notes.append(f"no dev pool in {', '.join(without_dev)}: the threshold was chosen on the test pool")
    return results
