"""Retrieval stages: which pools they score, and what they leave."""

from spaces.benchmark import BENCHMARKS
from spaces.profile import Profile
from spaces.stage import TENTHS, Stage
from trainables.data.data import dev_pool, pool
from trainables.models.encoder import Encoder
from trainables.record.places import Place
from trainables.record.tested import Tested
from trainables.retrieval.retrieval import retrieve
from trainables.retrieval.sentences import Embedder
from trainables.training.predictions import retrieved_table


def score_retrieval(stage: Stage, encoder: Encoder, place: Place, profile: Profile) -> Tested:
    """Every metric in every language of the stage, and a note on thresholds that were chosen on what they judge."""
    task = BENCHMARKS.find(stage.benchmark).targets[stage.task]
    embedder = Embedder(encoder)
    tested, flattered = Tested(), []
    for language in stage.targets[task.name]:
        test = pool(place.source, task, "test", language)
        dev = dev_pool(place.source, task, language) if task.retrieval == "mine" else None
        if task.retrieval == "mine" and dev is None:
            flattered.append(language)
        tested.note_left_out(f"{task.name} {language}", test.left_out)
        if dev is not None:
            tested.note_left_out(f"{task.name}'s dev {language}", dev.left_out)
        retrieved = retrieve(embedder, task, profile, test, dev)
        if place.predictions:
            tested.predictions.append(retrieved_table(stage.key, task, language, test, retrieved.found))
        tested.rows.extend(
            {
                "target": task.name,
                "tenth": TENTHS,
                "language": language,
                "split": "test",
                "metric": metric,
                "official": metric in task.score,
                "value": value,
                "examples": len(test.queries),
            }
            for metric, value in retrieved.metrics.items()
        )
    if flattered:
        tested.notes.append(f"no dev part in {', '.join(flattered)}: threshold chosen on the test part")
    return tested
