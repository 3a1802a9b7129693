"""Intermediate and target stages: what they train on, how they are judged, which rows they leave."""

import dataclasses
from typing import Any

from spaces.benchmark import BENCHMARKS
from spaces.encoders import EncoderProfile
from spaces.stage import Stage
from spaces.task import Recipe, Task
from trainables.data.task_data import resolve_labels
from trainables.features.feature_table import FeatureTable
from trainables.kinds.label_head import KINDS_WITH_LABELS, LabelHead
from trainables.methods.rules import LAYERS, build_rule
from trainables.models.encoder import Encoder
from trainables.models.layer_fusion import LayerFusion
from trainables.record.context import StageContext
from trainables.record.results import TestResults
from trainables.training.encoding import encode_split, encode_training_table
from trainables.training.evaluation import compute_task_score, score_majority_baseline
from trainables.training.fine_tuning import FineTuning
from trainables.training.mixing import build_training_parts, describe_shortage
from trainables.training.predictions import build_prediction_table
from trainables.training.schedule import compute_total_steps

MAJORITY = "majority"
_RECIPE_FIELDS = {field.name for field in dataclasses.fields(Recipe)}


def start_training(stage: Stage, encoder: Encoder, place: StageContext, profile: EncoderProfile) -> FineTuning:
    """The run of a stage from its beginning: parts, schedule, fresh heads on the encoder it starts from."""
    assert stage.recipe is not None and stage.learning_rate is not None
    recipe = Recipe(**{name: value for name, value in stage.recipe.items() if name in _RECIPE_FIELDS})
    ingredients = _resolve_ingredients(stage, place, recipe)
    how = encoder.tokenizer, profile, place.encoded_folder

    def train(task: Task, own: Recipe, language: str) -> FeatureTable:
        return encode_training_table(place.source, task, how[0], own, *how[1:], language=language)

    parts = build_training_parts(
        [(task, train(task, own, language)) for task, own, language in ingredients], stage.recipe
    )
    judged = {task.name: (task, own) for task, own, _ in ingredients if task.kind != "mlm"}
    judged = judged or {task.name: (task, own) for task, own, _ in ingredients}
    devs = [encode_split(place.source, task, "dev", "en", how[0], own, *how[1:]) for task, own in judged.values()]
    counted = [part for part in parts if part.task.name in judged]
    steps = compute_total_steps(recipe, sum(len(part.indices) for part in counted))
    method = stage.recipe.get("method")
    written = [part.table for part in parts if part.task.name in judged] + [dev.features for dev in devs]
    return FineTuning(
        encoder,
        parts,
        devs,
        recipe,
        profile,
        steps=steps,
        learning_rate=stage.learning_rate,
        seed=stage.seed,
        method=build_rule(method, [part.task for part in counted], place.source, encoder, written),
        fuse_layers=method is not None and method["name"] == LAYERS,
    )


def _resolve_ingredients(stage: Stage, place: StageContext, recipe: Recipe) -> list[tuple[Task, Recipe, str]]:
    """What is trained: each task with the recipe that says how long its inputs are, and the language of its rows."""
    benchmark = BENCHMARKS.find(stage.benchmark)
    if stage.kind == "target":
        return [(resolve_labels(place.source, benchmark.targets[next(iter(stage.targets))]), recipe, "en")]
    named = (stage.recipe or {})["ingredients"]
    tasks = {name: resolve_labels(place.source, benchmark.intermediates[name]) for name, _ in named}
    inputs = (stage.recipe or {}).get("inputs", {})

    def cut(name: str) -> Recipe:
        length, stride = inputs.get(name, (recipe.max_length, recipe.stride))
        return dataclasses.replace(recipe, max_length=length, stride=stride)

    return [(tasks[name], cut(name), language) for name, language in named]


def build_dev_rows(stage: Stage, work: FineTuning) -> list[dict[str, Any]]:
    """English dev after every tenth, once for each target that shares the training."""
    official = work.dev_sets[0].task.official_metrics if len(work.dev_sets) == 1 else ("mean_task_score",)
    return [
        {
            "target": target,
            "tenth": tenth,
            "language": "en",
            "split": "dev",
            "metric": name,
            "official": name in official,
            "value": value,
            "examples": sum(len(dev.examples) for dev in work.dev_sets),
        }
        for target in (stage.targets or (None,))
        for tenth, metrics in enumerate(work.dev_metrics, start=1)
        for name, value in metrics.items()
    ]


def score_tests(stage: Stage, work: FineTuning, place: StageContext, profile: EncoderProfile) -> TestResults:
    """The best tenth's scores in every language of every target of the stage, with the majority floor beside them.

    An intermediate stage has no target: it leaves its dev predictions, where these are kept.
    """
    benchmark = BENCHMARKS.find(stage.benchmark)
    tokenizer, recipe = work.encoder.tokenizer, work.recipe
    tested = TestResults()
    for part in work.parts:
        tested.note_left_out(f"{part.task.name}'s training", part.table.left_out)
    short = describe_shortage(work.parts, stage.recipe or {})
    tested.notes.extend([] if short is None else [short])
    for dev in work.dev_sets:
        tested.note_left_out(f"{dev.task.name}'s dev", dev.left_out)
    if place.keep_predictions:
        results = [(dev, work.evaluate(dev)) for dev in work.dev_sets]
        tested.predictions.extend(
            build_prediction_table(stage.key, dev, result.predictions, "dev") for dev, result in results
        )
    for name, languages in stage.targets.items():
        task = benchmark.targets[name]
        for language in languages:
            examined = encode_split(
                place.source, task, "test", language, tokenizer, recipe, profile, place.encoded_folder
            )
            tested.note_left_out(f"{name} {language}", examined.left_out)
            result = work.evaluate(examined, work.parts[0].task)
            if place.keep_predictions:
                tested.predictions.append(build_prediction_table(stage.key, examined, result.predictions))
            metrics = result.metrics
            floor = score_majority_baseline(task, work.parts[0].table.targets, examined)
            if floor is not None:
                metrics = {**metrics, MAJORITY: compute_task_score(task, floor)}
            tested.rows.extend(
                {
                    "target": name,
                    "tenth": work.best_tenth,
                    "language": language,
                    "split": "test",
                    "metric": metric,
                    "official": metric in task.official_metrics,
                    "value": value,
                    "examples": len(examined.examples),
                }
                for metric, value in metrics.items()
            )
    return tested


def extract_label_head(work: FineTuning) -> LabelHead | None:
    """The head that an intermediate task hands on with its encoder; None of a mixture, or where it has no labels.

    None where it reads all layers, too: what asks it gives it the last one.
    """
    task, head = work.parts[0].task, work.heads[0]
    plain = len(work.parts) == 1 and task.kind in KINDS_WITH_LABELS and not isinstance(head, LayerFusion)
    return LabelHead(task, head) if plain else None


def find_degeneracy(work: FineTuning) -> str | None:
    """Why a complete run has learned nothing, or None: the same answer to everything, or no better than chance.

    Chance is the majority label: a run that does not beat it has failed (Mosbach et al. 2021). Negative controls are
    excused: chance is where they should be. So are mixtures, whose tasks differ in chance.
    """
    if work.is_constant:
        return "constant predictions"
    part, dev = work.parts[0], work.dev_sets[0]
    if len(work.dev_sets) > 1 or part.task.is_control or "accuracy" not in work.dev_metrics[0]:
        return None
    floor = score_majority_baseline(dev.task, part.table.targets, dev)
    best = work.dev_metrics[work.best_tenth - 1]["accuracy"]
    if floor is not None and best <= floor["accuracy"]:
        return "chance level"
    return None
