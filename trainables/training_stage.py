"""Intermediate and target stages: their training data, their dev and test scores, and the check for degenerate runs."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from spaces.benchmark import BENCHMARKS
from spaces.chain import MLM
from spaces.columns import MAJORITY_SUFFIX, MIX_SCORE, TASK_SCORE_SUFFIX
from spaces.encoders import EncoderProfile
from spaces.method import AVERAGE, LORA
from spaces.stage import Stage
from spaces.task import Recipe, Task, with_splits_of
from trainables.data.foreign_rows import find_dev_languages
from trainables.data.task_data import DataSource, resolve_labels
from trainables.kinds.label_head import KINDS_WITH_LABELS, LabelHead
from trainables.methods.rules import LAYERS, build_rule, settings_of
from trainables.models.encoder import Encoder
from trainables.models.layer_fusion import LayerFusion
from trainables.record.context import StageContext
from trainables.record.results import TestResults
from trainables.training.encoding import Encoding, encode_split, encode_training_table
from trainables.training.evaluation import build_metric_rows, compute_task_score
from trainables.training.fine_tuning import FineTuning
from trainables.training.foreign_parts import build_foreign_parts, describe_few_shots, list_learnt_dev
from trainables.training.mixing import build_training_parts, describe_shortage
from trainables.training.predictions import build_prediction_table
from trainables.training.schedule import compute_total_steps
from trainables.training.trivial_answers import (
    TrivialAnswer,
    choose_trivial_answer,
    compute_judged_score,
    score_trivial_answer,
)
from trainables.worker.stage_clock import count

MAJORITY = "majority"
TrivialAnswers = Mapping[str, TrivialAnswer]  # by task
_RECIPE_FIELDS = {field.name for field in dataclasses.fields(Recipe)}


def start_training(stage: Stage, encoder: Encoder, context: StageContext, profile: EncoderProfile) -> FineTuning:
    """Return the stage's run before its first step: parts, schedule, and fresh heads on the encoder it starts from."""
    assert stage.recipe is not None and stage.learning_rate is not None
    recipe = read_recipe(stage)
    ingredients = resolve_ingredients(stage, context, recipe)

    def encoding(own_recipe: Recipe) -> Encoding:
        return Encoding(encoder.tokenizer, own_recipe, profile, context.encoded_folder)

    tables = [
        (task, encode_training_table(context.source, task, encoding(own_recipe), language))
        for task, own_recipe, language in ingredients
    ]
    parts = build_training_parts(tables, stage.recipe, seed=stage.seed, limit=context.source.limit)
    own_parts = list(parts)  # a ceiling has the steps of zero-shot training
    if foreign_rows := stage.recipe.get("foreign_rows"):
        task, own_recipe, _ = ingredients[0]
        parts += build_foreign_parts(context.source, task, encoding(own_recipe), foreign_rows, stage.seed)
    # Masked words beside tasks are not judged, and do not count for the number of steps.
    judged = {task.name: (task, own_recipe) for task, own_recipe, _ in ingredients if task.name != MLM}
    judged = judged or {task.name: (task, own_recipe) for task, own_recipe, _ in ingredients}
    dev_sets = [
        encode_split(context.source, task, "dev", "en", encoding(own_recipe)) for task, own_recipe in judged.values()
    ]
    judged_parts = [part for part in own_parts if part.task.name in judged]
    method = stage.recipe.get("method")
    tables_in_use = [part.table for part in judged_parts] + [dev_set.features for dev_set in dev_sets]
    return FineTuning(
        encoder,
        parts,
        dev_sets,
        recipe,
        profile,
        steps=compute_total_steps(recipe, sum(len(part.indices) for part in judged_parts)),
        learning_rate=stage.learning_rate,
        seed=stage.seed,
        method=build_rule(method, [part.task for part in judged_parts], context.source, encoder, tables_in_use),
        fuse_layers=method is not None and method["name"] == LAYERS,
        adapters=settings_of(method) if method is not None and method["name"] == LORA else None,
        averaged_tenths=method["tenths"] if method is not None and method["name"] == AVERAGE else 0,
    )


def read_recipe(stage: Stage) -> Recipe:
    """Return the recipe of a stage that trains on tasks, without what only its key knows."""
    return Recipe(**{name: value for name, value in (stage.recipe or {}).items() if name in _RECIPE_FIELDS})


def resolve_ingredients(stage: Stage, context: StageContext, recipe: Recipe) -> list[tuple[Task, Recipe, str]]:
    """Return each task, the recipe with the lengths of its inputs, and the language of its rows."""
    benchmark = BENCHMARKS.find(stage.benchmark)
    if stage.kind == "target":
        task = with_splits_of(benchmark.targets[next(iter(stage.targets))], recipe)
        return [(resolve_labels(context.source, task), recipe, "en")]
    assert stage.recipe is not None
    ingredients, inputs = stage.recipe["ingredients"], stage.recipe.get("inputs", {})
    resolved = []
    for name, language in ingredients:
        max_length, stride, *others = inputs.get(name, (recipe.max_length, recipe.stride))
        own_recipe = dataclasses.replace(recipe, max_length=max_length, stride=stride, **dict(*others))
        task = with_splits_of(benchmark.intermediates[name], own_recipe)
        resolved.append((resolve_labels(context.source, task), own_recipe, language))
    return resolved


def build_dev_rows(stage: Stage, training: FineTuning) -> list[dict[str, Any]]:
    """Return the English dev scores after every tenth, once for each target that shares the training."""
    dev_sets = training.selection.dev_sets
    official = dev_sets[0].task.official_metrics if len(dev_sets) == 1 else (MIX_SCORE,)
    return [
        {**row, "examples": _count_dev_examples(row["metric"], training)}
        for target in (stage.targets or (None,))
        for tenth, metrics in enumerate(training.selection.dev_metrics, start=1)
        for row in build_metric_rows(metrics, official, target=target, tenth=tenth, language="en", split="dev")
    ]


def _count_dev_examples(metric: str, training: FineTuning) -> int:
    """Return the number of dev examples behind a metric: all, or those of the one task of a mix that it belongs to."""
    sizes = {dev_set.task.name: len(dev_set.examples) for dev_set in training.selection.dev_sets}
    return sizes.get(metric.removesuffix(TASK_SCORE_SUFFIX).removesuffix(MAJORITY_SUFFIX), sum(sizes.values()))


def choose_trivial_answers(training: FineTuning) -> TrivialAnswers:
    """Return the trivial answer of each judged task that has one, by name."""
    answers = {}
    for dev_set in training.selection.dev_sets:
        part = next(part for part in training.parts if part.task.name == dev_set.task.name)
        answer = choose_trivial_answer(part.targets, dev_set)
        if answer is not None:
            answers[dev_set.task.name] = answer
    return answers


def score_tests(
    stage: Stage, training: FineTuning, context: StageContext, profile: EncoderProfile, trivial: TrivialAnswers
) -> TestResults:
    """Return the best tenth's scores in every language of every target, with those of the trivial answer beside them.

    An intermediate stage has no targets: its results are the trivial answer's dev score, and its dev predictions if
    predictions are kept.
    """
    benchmark = BENCHMARKS.find(stage.benchmark)
    encoding = Encoding(training.encoder.tokenizer, training.recipe, profile, context.encoded_folder)
    results = TestResults()
    recipe = stage.recipe or {}
    for part in training.parts:
        in_language = "" if part.language is None else f" in {part.language}"
        results.note_left_out(f"{part.task.name}'s training{in_language}", part.table.left_out)
    shortages = (describe_shortage(training.parts, recipe), describe_few_shots(training.parts, recipe))
    results.notes.extend(shortage for shortage in shortages if shortage is not None)
    for dev_set in training.selection.dev_sets:
        results.note_left_out(f"{dev_set.task.name}'s dev", dev_set.left_out)
        if context.keep_predictions:
            predictions = training.evaluate(dev_set).predictions
            results.predictions.append(build_prediction_table(stage.key, dev_set, predictions, "dev"))
    if not stage.targets:
        results.rows.extend(_build_chance_rows(training, trivial))
    answer = trivial.get(training.selection.dev_sets[0].task.name)
    evaluations = sum(map(len, stage.targets.values()))
    evaluated = 0
    for name, languages in stage.targets.items():
        task = with_splits_of(benchmark.targets[name], training.recipe)
        for language in languages:
            count(evaluated, evaluations)
            test_set = encode_split(context.source, task, "test", language, encoding)
            results.note_left_out(f"{name} {language}", test_set.left_out)
            result = training.evaluate(test_set, training.parts[0].task)
            if context.keep_predictions:
                results.predictions.append(build_prediction_table(stage.key, test_set, result.predictions))
            baseline = None if answer is None else score_trivial_answer(answer, test_set)
            majority = {} if baseline is None else {MAJORITY: compute_task_score(task, baseline)}
            columns = {"target": name, "tenth": training.selection.best_tenth, "language": language}
            columns |= {"examples": len(test_set.examples)}
            metrics = {**result.metrics, **majority}
            results.rows.extend(build_metric_rows(metrics, task.official_metrics, split="test", **columns))
            evaluated += 1
        if context.target_dev:
            results.rows.extend(_iter_target_dev_rows(stage, training, task, context.source, encoding))
    return results


def _build_chance_rows(training: FineTuning, trivial: TrivialAnswers) -> list[dict[str, Any]]:
    """Return the trivial answer's score on English dev; of a mix its mean over the tasks, and that of each task."""
    if len(trivial) < len(training.selection.dev_sets):
        return []
    by_task = {
        dev_set.task.name: compute_task_score(dev_set.task, score_trivial_answer(trivial[dev_set.task.name], dev_set))
        for dev_set in training.selection.dev_sets
    }
    metrics = {MAJORITY: sum(by_task.values()) / len(by_task)}
    if len(by_task) > 1:
        metrics |= {name + MAJORITY_SUFFIX: score for name, score in by_task.items()}
    rows = build_metric_rows(metrics, (), target=None, tenth=training.selection.best_tenth, language="en", split="dev")
    return [{**row, "examples": _count_dev_examples(row["metric"], training)} for row in rows]


def _iter_target_dev_rows(
    stage: Stage, training: FineTuning, task: Task, source: DataSource, encoding: Encoding
) -> Iterator[dict[str, Any]]:
    """Yield the best tenth's dev scores in languages other than English, by which nothing is ever selected."""
    learnt = list_learnt_dev(stage.recipe or {})
    for language in find_dev_languages(source, task):
        if language in learnt:
            continue
        dev_set = encode_split(source, task, "dev", language, encoding)
        metrics = training.evaluate(dev_set, training.parts[0].task).metrics
        columns = {"target": task.name, "tenth": training.selection.best_tenth, "language": language}
        columns |= {"examples": len(dev_set.examples)}
        yield from build_metric_rows(metrics, task.official_metrics, split="dev", **columns)


def extract_label_head(training: FineTuning) -> LabelHead | None:
    """Return the head that an intermediate task hands on with its encoder.

    None for a mixture, a task without labels, and a head of all layers: the probes give it the last layer only.
    """
    task, head = training.parts[0].task, training.heads[0]
    is_plain = len(training.parts) == 1 and task.kind in KINDS_WITH_LABELS and not isinstance(head, LayerFusion)
    return LabelHead(task, head) if is_plain else None


def find_degeneracy(training: FineTuning, trivial: TrivialAnswers, *, is_floor: bool = False) -> str | None:
    """Return the reason why a complete run is degenerate, or None: constant predictions, or no better than chance.

    Chance is the trivial answer on English dev: a run that does not beat it has failed. For labels it is the majority
    label (Mosbach et al. 2021), for spans and tags see `training/trivial_answers.py`. Negative controls are exempt,
    because they should be at chance, and `is_floor` exempts runs from untrained weights, which may be. So are mixtures,
    whose tasks differ in chance.
    """
    if training.selection.is_constant:
        return "constant predictions"
    dev_set = training.selection.dev_sets[0]
    if is_floor or len(training.selection.dev_sets) > 1 or training.parts[0].task.is_control:
        return None
    if dev_set.task.name not in trivial:
        return None
    chance = compute_judged_score(dev_set.task, score_trivial_answer(trivial[dev_set.task.name], dev_set))
    best = compute_judged_score(dev_set.task, training.selection.dev_metrics[training.selection.best_tenth - 1])
    return "chance level" if best <= chance else None
