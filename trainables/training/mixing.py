"""Mixing: the division of an intermediate phase's steps and rows among its ingredients."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.chain import MLM
from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.training.batches import TrainingPart


def build_training_parts(tables: Sequence[tuple[Task, FeatureTable]], recipe: Mapping[str, Any]) -> list[TrainingPart]:
    """Return the parts of a run with their shares of the steps, and of the rows where the recipe limits these.

    If the recipe has `examples`, the part of a task trains on its share of that number. Parts of one task in several
    languages get different rows, because row k is the same text in all of them. Masked words get the share of all
    steps that the recipe states, and no limit on rows. (`sham`, a control, is a task of its own.)
    """
    masked = recipe.get("masked") or {"share": 0.0, "smoothing": 0.0}
    sizes = [len(table) for task, table in tables if task.name != MLM]
    masked_sizes = [len(table) for task, table in tables if task.name == MLM]
    shares = iter(compute_sampling_shares(sizes, recipe))
    masked_shares = iter(_compute_power_shares(masked_sizes, masked["smoothing"]))
    languages = Counter(task.name for task, _ in tables)
    turns = Counter[str]()
    parts = []
    for task, table in tables:
        is_mlm = task.name == MLM
        share, subset = next(masked_shares if is_mlm else shares), None
        if recipe.get("examples") is not None and not is_mlm:
            count = round(share * recipe["examples"])
            subset = _select_features(table, count, turns[task.name], languages[task.name])
        turns[task.name] += 1
        weight = share * (masked["share"] if is_mlm else 1 - masked["share"])
        parts.append(TrainingPart(task=task, table=table, weight=weight, subset=subset))
    return parts


def describe_shortage(parts: Sequence[TrainingPart], recipe: Mapping[str, Any]) -> str | None:
    """Return a note for readers if the data have fewer examples than the recipe asks for; None if they have all.

    A text is trained on in one language only, so a task of few texts is short of them in any number of languages.
    """
    requested = recipe.get("examples")
    count = sum(part.example_count for part in parts if part.subset is not None)
    if requested is None or count > requested - len(parts):  # each share is rounded
        return None
    return f"trained on {count} of the {requested} requested examples: the data have no more distinct ones"


def compute_sampling_shares(sizes: Sequence[int], recipe: Mapping[str, Any]) -> list[float]:
    """Return the sampling share of each task of N_i features, p_i ~ min(N_i, cap)^exponent, by the recipe's sampler."""
    sampler = recipe.get("sampler") or {"cap": None, "exponent": 1.0}
    cap = sampler["cap"] or max(sizes, default=0)
    return _compute_power_shares([min(size, cap) for size in sizes], sampler["exponent"])


def _compute_power_shares(sizes: Sequence[int], exponent: float) -> list[float]:
    powers = [size**exponent for size in sizes]
    return [power / sum(powers) for power in powers]


def _select_features(table: FeatureTable, count: int, turn: int, turns: int) -> NDArray[np.int64]:
    """Return the features of `count` examples (at least one): every `turns`-th of a fixed shuffle, from `turn` on."""
    shuffled = np.random.default_rng(1).permutation(int(table.examples.max(initial=-1)) + 1)
    return np.flatnonzero(np.isin(table.examples, shuffled[turn::turns][: max(1, count)]))
