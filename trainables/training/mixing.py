"""How an intermediate phase divides its steps and its rows among its ingredients."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.training.batches import TrainingPart


def build_training_parts(tables: Sequence[tuple[Task, FeatureTable]], recipe: Mapping[str, Any]) -> list[TrainingPart]:
    """The parts of a run with their shares of the steps, and of the rows where the recipe bounds these.

    With `examples` a task's part trains on its share of so many rows, and those of one task in several languages are
    different ones: row k is the same text in all of them. Masked words have the share of all steps that the recipe
    says, and no bound.
    """
    masked = recipe.get("masked") or {"share": 0.0, "smoothing": 0.0}
    words = [task.kind == "mlm" for task, _ in tables]
    of_tasks = compute_sampling_shares(
        [len(table) for (_, table), word in zip(tables, words, strict=True) if not word], recipe
    )
    of_words = _compute_power_shares(
        [len(table) for (_, table), word in zip(tables, words, strict=True) if word], masked["smoothing"]
    )
    own, seen = {False: iter(of_tasks), True: iter(of_words)}, Counter[str]()
    parts = []
    for (task, table), word in zip(tables, words, strict=True):
        share, rows = next(own[word]), None
        if recipe.get("examples") is not None and not word:
            languages = sum(one.name == task.name for one, _ in tables)
            rows = _select_features(table, round(share * recipe["examples"]), seen[task.name], languages)
        seen[task.name] += 1
        weight = share * (masked["share"] if word else 1 - masked["share"])
        parts.append(TrainingPart(task=task, table=table, weight=weight, subset=rows))
    return parts


def describe_shortage(parts: Sequence[TrainingPart], recipe: Mapping[str, Any]) -> str | None:
    """What a reader must know where the data have fewer examples than the recipe asks for; None where they have all.

    A text counts in one language only, so that a task of few texts is short of them in however many it has them.
    """
    asked = recipe.get("examples")
    found = sum(part.example_count for part in parts if part.subset is not None)
    if asked is None or found > asked - len(parts):  # each share is rounded
        return None
    return f"trained on {found} of the {asked} examples that were asked for: the data have no more different ones"


def compute_sampling_shares(sizes: Sequence[int], recipe: Mapping[str, Any]) -> list[float]:
    """How often each of the tasks of N_i features is drawn: p_i ~ min(N_i, cap)^exponent, by the recipe's sampler."""
    sampler = recipe.get("sampler") or {"cap": None, "exponent": 1.0}
    cap = sampler["cap"] or max(sizes, default=0)
    return _compute_power_shares([min(size, cap) for size in sizes], sampler["exponent"])


def _compute_power_shares(sizes: Sequence[int], exponent: float) -> list[float]:
    powers = [size**exponent for size in sizes]
    return [power / sum(powers) for power in powers]


def _select_features(table: FeatureTable, count: int, turn: int, turns: int) -> NDArray[np.int64]:
    """The features of `count` examples, one at least, of every `turns`-th in a fixed shuffle, from number `turn` on."""
    shuffled = np.random.default_rng(1).permutation(int(table.examples.max(initial=-1)) + 1)
    return np.flatnonzero(np.isin(table.examples, shuffled[turn::turns][: max(1, count)]))
