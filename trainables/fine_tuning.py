"""Intermediate and target stages: what they train on, how they are judged, which rows they leave."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from spaces.benchmark import BENCHMARKS, MULTITASK, Benchmark
from spaces.profile import Profile
from spaces.stage import Stage
from spaces.task import Recipe, Task
from trainables.data import Source
from trainables.encoded import encoded
from trainables.encoder import Encoder
from trainables.evaluation import evaluate, majority, task_score
from trainables.predictions import predicted_table
from trainables.schedule import total_steps
from trainables.training import FineTuning, Part

MAJORITY = "majority"
_RECIPE_FIELDS = {field.name for field in dataclasses.fields(Recipe)}


def start_training(stage: Stage, encoder: Encoder, source: Source, profile: Profile) -> FineTuning:
    """The run of a stage from its beginning: parts, schedule, fresh heads on the encoder it starts from."""
    assert stage.recipe is not None and stage.learning_rate is not None
    benchmark = BENCHMARKS.find(stage.benchmark)
    recipe = Recipe(**{name: value for name, value in stage.recipe.items() if name in _RECIPE_FIELDS})
    parts = [
        Part(
            task=task,
            train=encoded(source, task, "train", "en", encoder.tokenizer, own, profile).features,
            dev=encoded(source, task, "dev", "en", encoder.tokenizer, own, profile),
        )
        for task, own in _tasks(stage, benchmark, recipe)
    ]
    if len(parts) > 1:
        parts = [dataclasses.replace(part, weight=_weight(len(part.train), stage.recipe)) for part in parts]
    steps = total_steps(recipe, sum(len(part.train) for part in parts))
    return FineTuning(encoder, parts, recipe, profile, steps=steps, learning_rate=stage.learning_rate, seed=stage.seed)


def _tasks(stage: Stage, benchmark: Benchmark, recipe: Recipe) -> list[tuple[Task, Recipe]]:
    """The tasks that are trained, each with the recipe that says how long its inputs are."""
    if stage.kind == "target":
        return [(benchmark.targets[next(iter(stage.targets))], recipe)]
    if stage.task == MULTITASK:
        return [(task, task.recipe or recipe) for task in benchmark.mixed()]
    return [(benchmark.intermediates[stage.task], recipe)]


def _weight(examples: int, recipe: Mapping[str, Any]) -> float:
    """min(N, cap)^(1/T), up to a factor the probability of a task in a multi-task run."""
    return float(min(examples, recipe["cap"]) ** (1 / recipe["temperature"]))


def dev_rows(stage: Stage, work: FineTuning) -> list[dict[str, Any]]:
    """English dev after every tenth, once for each target that shares the training."""
    part = work.parts[0]
    official = part.task.score if len(work.parts) == 1 else ("mean_task_score",)
    return [
        {
            "target": target,
            "tenth": tenth,
            "language": "en",
            "split": "dev",
            "metric": name,
            "official": name in official,
            "value": value,
            "examples": sum(len(part.dev.examples) for part in work.parts),
        }
        for target in (stage.targets or (None,))
        for tenth, metrics in enumerate(work.dev, start=1)
        for name, value in metrics.items()
    ]


def test_rows(
    stage: Stage, work: FineTuning, source: Source, profile: Profile, kept: list[pa.Table] | None = None
) -> list[dict[str, Any]]:
    """The best tenth's scores in every language of every target of the stage, with the majority floor beside them.

    The predictions behind them are added to `kept`, one table per target and language.
    """
    benchmark = BENCHMARKS.find(stage.benchmark)
    train = encoded(source, work.parts[0].task, "train", "en", work.encoder.tokenizer, work.recipe, profile)
    rows = []
    for name, languages in stage.targets.items():
        task = benchmark.targets[name]
        for language in languages:
            test = encoded(source, task, "test", language, work.encoder.tokenizer, work.recipe, profile)
            result = evaluate(work.encoder, work.heads[0], test)
            if kept is not None:
                kept.append(predicted_table(stage.key, test, result.predictions))
            metrics = result.metrics
            floor = majority(task, train.examples, test)
            if floor is not None:
                metrics = {**metrics, MAJORITY: task_score(task, floor)}
            rows += [
                {
                    "target": name,
                    "tenth": work.best_tenth,
                    "language": language,
                    "split": "test",
                    "metric": metric,
                    "official": metric in task.score,
                    "value": value,
                    "examples": len(test.examples),
                }
                for metric, value in metrics.items()
            ]
    return rows


def degenerate(work: FineTuning, source: Source, profile: Profile) -> str | None:
    """Why a complete run has learned nothing, or None: the same answer to everything, or no better than chance.

    Chance is the majority label: a run that does not beat it has failed (Mosbach et al. 2021). Negative controls are
    excused: chance is where they should be. So are mixtures, whose tasks differ in chance.
    """
    if work.constant:
        return "constant predictions"
    part = work.parts[0]
    if len(work.parts) > 1 or part.task.control or "accuracy" not in work.dev[0]:
        return None
    train = encoded(source, part.task, "train", "en", work.encoder.tokenizer, work.recipe, profile)
    floor = majority(part.task, train.examples, part.dev)
    best = work.dev[work.best_tenth - 1]["accuracy"]
    if floor is not None and best <= floor["accuracy"]:
        return "chance level"
    return None
