"""The rows of a ceiling beside the English ones: translations, or a few shots of each language (spaces/ceilings.py)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from spaces.ceilings import ENGLISH_SHARE
from spaces.task import Task
from trainables.data.foreign_rows import draw_shots
from trainables.data.task_data import DataSource
from trainables.training.batches import TrainingPart
from trainables.training.encoding import Encoding, encode_examples, encode_training_table
from trainables.training.mixing import build_training_parts


def build_foreign_parts(
    source: DataSource, task: Task, encoding: Encoding, entry: Mapping[str, Any], seed: int
) -> list[TrainingPart]:
    """Return a part for each language of a recipe's `foreign_rows`, with weights beside English rows of weight 1.

    Translations weigh as much as the English rows, language by language. Shots of all languages together weigh as much
    as their share of the steps says, every language the same.
    """
    splits, shots = entry["splits"], entry["shots"]
    weight = 1.0 if shots is None else (1 / ENGLISH_SHARE - 1) / len(splits)
    parts = []
    for language, split in splits.items():
        if shots is None:
            table = encode_training_table(source, task, encoding, language)
            (part,) = build_training_parts([(task, table)], {}, seed=seed, limit=source.limit)
        else:
            examples = draw_shots(source, task, split, language, count=shots, seed=seed)
            part = TrainingPart(task=task, table=encode_examples(task, examples, encoding))
        parts.append(dataclasses.replace(part, weight=weight, language=language))
    return parts


def describe_few_shots(parts: Sequence[TrainingPart], recipe: Mapping[str, Any]) -> str | None:
    """Return a note on the languages that have fewer rows than the recipe asks for; None if there are none."""
    shots = recipe.get("foreign_rows", {}).get("shots")
    if shots is None:
        return None
    counts = {part.language: part.example_count for part in parts if part.language is not None}
    short = [f"{language} {count}" for language, count in counts.items() if count < shots]
    return f"fewer than {shots} rows to learn from: {', '.join(short)}" if short else None


def list_learnt_dev(recipe: Mapping[str, Any]) -> frozenset[str]:
    """Return the languages whose dev rows a recipe trains on: their dev scores would say nothing."""
    splits = recipe.get("foreign_rows", {}).get("splits", {})
    return frozenset(language for language, split in splits.items() if split == "dev")
