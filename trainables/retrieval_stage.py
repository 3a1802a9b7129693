"""Retrieval stages: which pools they score, and what they leave."""

from spaces.benchmark import BENCHMARKS
from spaces.encoders import EncoderProfile
from spaces.stage import TENTHS, Stage
from trainables.data.task_data import load_dev_pool, load_pool
from trainables.models.encoder import Encoder
from trainables.record.context import StageContext
from trainables.record.results import TestResults
from trainables.retrieval.embeddings import Embedder
from trainables.retrieval.retrieval import retrieve
from trainables.training.predictions import build_retrieval_table


def score_retrieval(stage: Stage, encoder: Encoder, place: StageContext, profile: EncoderProfile) -> TestResults:
    """Every metric in every language of the stage, and a note on thresholds that were chosen on what they judge."""
    task = BENCHMARKS.find(stage.benchmark).targets[stage.task]
    embedder = Embedder(encoder)
    tested, flattered = TestResults(), []
    for language in stage.targets[task.name]:
        test = load_pool(place.source, task, "test", language)
        dev = load_dev_pool(place.source, task, language) if task.retrieval_mode == "mine" else None
        if task.retrieval_mode == "mine" and dev is None:
            flattered.append(language)
        tested.note_left_out(f"{task.name} {language}", test.left_out)
        if dev is not None:
            tested.note_left_out(f"{task.name}'s dev {language}", dev.left_out)
        retrieved = retrieve(embedder, task, profile, test, dev)
        if place.keep_predictions:
            tested.predictions.append(build_retrieval_table(stage.key, task, language, test, retrieved.pairs))
        tested.rows.extend(
            {
                "target": task.name,
                "tenth": TENTHS,
                "language": language,
                "split": "test",
                "metric": metric,
                "official": metric in task.official_metrics,
                "value": value,
                "examples": len(test.queries),
            }
            for metric, value in retrieved.metrics.items()
        )
    if flattered:
        tested.notes.append(f"no dev part in {', '.join(flattered)}: threshold chosen on the test part")
    return tested
