"""Intermediate and target stages: what they train on, how they are judged, which rows they leave."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.chain import MULTITASK
from spaces.profile import Profile
from spaces.stage import Stage
from spaces.task import Recipe, Task
from trainables.data import complete
from trainables.encoded import encoded, training_table
from trainables.encoder import Encoder
from trainables.evaluation import majority, task_score
from trainables.label_head import LABELLED, LabelHead
from trainables.places import Place
from trainables.predictions import predicted_table
from trainables.schedule import total_steps
from trainables.tested import Tested
from trainables.training import FineTuning, Part

MAJORITY = "majority"
_RECIPE_FIELDS = {field.name for field in dataclasses.fields(Recipe)}


def start_training(stage: Stage, encoder: Encoder, place: Place, profile: Profile) -> FineTuning:
    """The run of a stage from its beginning: parts, schedule, fresh heads on the encoder it starts from."""
    assert stage.recipe is not None and stage.learning_rate is not None
    benchmark = BENCHMARKS.find(stage.benchmark)
    recipe = Recipe(**{name: value for name, value in stage.recipe.items() if name in _RECIPE_FIELDS})
    parts = [
        Part(
            task=task,
            train=training_table(place.source, task, encoder.tokenizer, own, profile, place.encoded),
            dev=encoded(place.source, task, "dev", "en", encoder.tokenizer, own, profile, place.encoded),
        )
        for task, own in ((complete(place.source, task), own) for task, own in _tasks(stage, benchmark, recipe))
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
        mixed = [benchmark.intermediates[name] for name in (stage.recipe or {})["tasks"]]
        return [(task, task.recipe or recipe) for task in mixed]
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


def score_tests(stage: Stage, work: FineTuning, place: Place, profile: Profile) -> Tested:
    """The best tenth's scores in every language of every target of the stage, with the majority floor beside them.

    An intermediate stage has no target: it leaves its dev predictions, where these are kept.
    """
    benchmark = BENCHMARKS.find(stage.benchmark)
    tokenizer, recipe = work.encoder.tokenizer, work.recipe
    tested = Tested()
    for part in work.parts:
        tested.note_left_out(f"{part.task.name}'s training", part.train.left_out)
        tested.note_left_out(f"{part.task.name}'s dev", part.dev.left_out)
    if place.predictions:
        results = [(part.dev, work.evaluate(i, part.dev)) for i, part in enumerate(work.parts)]
        tested.predictions.extend(predicted_table(stage.key, dev, result.predictions, "dev") for dev, result in results)
    for name, languages in stage.targets.items():
        task = benchmark.targets[name]
        for language in languages:
            examined = encoded(place.source, task, "test", language, tokenizer, recipe, profile, place.encoded)
            tested.note_left_out(f"{name} {language}", examined.left_out)
            result = work.evaluate(0, examined)
            if place.predictions:
                tested.predictions.append(predicted_table(stage.key, examined, result.predictions))
            metrics = result.metrics
            floor = majority(task, work.parts[0].train.targets, examined)
            if floor is not None:
                metrics = {**metrics, MAJORITY: task_score(task, floor)}
            tested.rows.extend(
                {
                    "target": name,
                    "tenth": work.best_tenth,
                    "language": language,
                    "split": "test",
                    "metric": metric,
                    "official": metric in task.score,
                    "value": value,
                    "examples": len(examined.examples),
                }
                for metric, value in metrics.items()
            )
    return tested


def label_head(work: FineTuning) -> LabelHead | None:
    """The head that an intermediate task hands on with its encoder; None of a mixture, or where it has no labels."""
    task = work.parts[0].task
    return LabelHead(task, work.heads[0]) if len(work.parts) == 1 and task.kind in LABELLED else None


def degenerate(work: FineTuning) -> str | None:
    """Why a complete run has learned nothing, or None: the same answer to everything, or no better than chance.

    Chance is the majority label: a run that does not beat it has failed (Mosbach et al. 2021). Negative controls are
    excused: chance is where they should be. So are mixtures, whose tasks differ in chance.
    """
    if work.constant:
        return "constant predictions"
    part = work.parts[0]
    if len(work.parts) > 1 or part.task.control or "accuracy" not in work.dev[0]:
        return None
    floor = majority(part.task, part.train.targets, part.dev)
    best = work.dev[work.best_tenth - 1]["accuracy"]
    if floor is not None and best <= floor["accuracy"]:
        return "chance level"
    return None
