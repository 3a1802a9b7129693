"""Retrieval stages: which pools they score, and the rows they leave."""

from typing import Any

from spaces.benchmark import BENCHMARKS
from spaces.profile import Profile
from spaces.stage import TENTHS, Stage
from trainables.data import Source, dev_pool, pool
from trainables.encoder import Encoder
from trainables.retrieval import retrieve
from trainables.sentences import Embedder


def retrieval_rows(
    stage: Stage, encoder: Encoder, source: Source, profile: Profile
) -> tuple[list[dict[str, Any]], str | None]:
    """Every metric in every language of the stage, and a note on thresholds that were chosen on what they judge."""
    task = BENCHMARKS.find(stage.benchmark).targets[stage.task]
    embedder = Embedder(encoder)
    rows, flattered = [], []
    for language in stage.targets[task.name]:
        test = pool(source, task, "test", language)
        dev = dev_pool(source, task, language) if task.retrieval == "mine" else None
        if task.retrieval == "mine" and dev is None:
            flattered.append(language)
        rows += [
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
            for metric, value in retrieve(embedder, task, profile, test, dev).metrics.items()
        ]
    note = f"no dev part in {', '.join(flattered)}: threshold chosen on the test part" if flattered else None
    return rows, note
