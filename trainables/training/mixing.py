"""Mixing: the division of a run's steps and rows among its ingredients, by the seed of the run."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.chain import MLM
from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.training.batches import TrainingPart
from trainables.training.distinct_rows import iterate_inputs, select_distinct_examples


def build_training_parts(
    tables: Sequence[tuple[Task, FeatureTable]], recipe: Mapping[str, Any], *, seed: int, limit: int | None = None
) -> list[TrainingPart]:
    """Return the parts of a run with their shares of the steps, and of the rows where these are limited.

    A table is whole and shared by all runs, so what a seed varies is chosen here: the rows, and a control's labels.
    Each task trains on at most `limit` examples. If the recipe has `examples`, the part of a task trains on its share
    of that number. Parts of one task in several languages get different rows, because row k is the same text in all of
    them. So do parts of different tasks: what ANLI+ and MultiNLI have in common counts once. A larger number contains
    the rows of a smaller one at the same seed. Masked words get the share of all steps that the recipe states, and no
    share of `examples`. (`sham`, a control, is a task of its own.)
    """
    shuffles = [_shuffle_examples(table, seed)[:limit] for _, table in tables]
    limited = [_find_features(task, table, rows) for (task, table), rows in zip(tables, shuffles, strict=True)]
    shares = divide_steps([task for task, _ in tables], [len(rows) for rows in limited], recipe)
    languages = Counter(task.name for task, _ in tables)
    names = {task.name for task, _ in tables if task.name != MLM}
    taken: dict[str, set[bytes]] = {name: set() for name in names}
    turns = Counter[str]()
    parts = []
    for (task, table), shuffled, rows, share in zip(tables, shuffles, limited, shares, strict=True):
        subset = None if len(rows) == len(table) else rows
        if recipe.get("examples") is not None and task.name != MLM:
            count = max(1, round(share.among_its_kind * recipe["examples"]))
            own = shuffled[turns[task.name] :: languages[task.name]]
            elsewhere = set().union(*(inputs for name, inputs in taken.items() if name != task.name))
            chosen = select_distinct_examples(table, own, count, elsewhere)
            if len(names) > 1:
                taken[task.name] |= {inputs for _, inputs in iterate_inputs(table, chosen)}
            subset = _find_features(task, table, chosen)
        turns[task.name] += 1
        if task.is_control and task.labels:
            table = _randomize_labels(table, len(task.labels), seed)
        parts.append(TrainingPart(task=task, table=table, weight=share.of_steps, subset=subset))
    return parts


@dataclass(frozen=True, slots=True)
class PartShare:
    """The share of a part among the tasks, or among the texts of masked words, and its share of all steps."""

    among_its_kind: float
    of_steps: float


def divide_steps(tasks: Sequence[Task], sizes: Sequence[int], recipe: Mapping[str, Any]) -> list[PartShare]:
    """Return the shares of parts with these numbers of features, by the recipe's sampler and its masked words."""
    masked = recipe.get("masked") or {"share": 0.0, "smoothing": 0.0}
    sized = list(zip(tasks, sizes, strict=True))
    shares = iter(compute_sampling_shares([size for task, size in sized if task.name != MLM], recipe))
    masked_shares = iter(_compute_power_shares([size for task, size in sized if task.name == MLM], masked["smoothing"]))
    divided = []
    for task in tasks:
        is_mlm = task.name == MLM
        share = next(masked_shares if is_mlm else shares)
        divided.append(PartShare(share, share * (masked["share"] if is_mlm else 1 - masked["share"])))
    return divided


def describe_shortage(parts: Sequence[TrainingPart], recipe: Mapping[str, Any]) -> str | None:
    """Return a note for readers if the data have fewer examples than the recipe asks for; None if they have all.

    A text is trained on in one language only, so a task of few texts is short of them in any number of languages.
    """
    requested = recipe.get("examples")
    count = sum(part.example_count for part in parts if part.task.name != MLM)
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


def _shuffle_examples(table: FeatureTable, seed: int) -> NDArray[np.int64]:
    """Return the numbers of all examples in the order of the seed, the same for translations of one training set."""
    return np.random.default_rng((seed, 3)).permutation(int(table.examples.max(initial=-1)) + 1)


def _find_features(task: Task, table: FeatureTable, examples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the features of these examples. A text for masked words has one, which stands for all its windows."""
    is_chosen = np.isin(table.examples, examples)
    if task.kind == "mlm":
        is_chosen &= np.diff(table.examples, prepend=-1) != 0
    return np.flatnonzero(is_chosen)


def _randomize_labels(table: FeatureTable, label_count: int, seed: int) -> FeatureTable:
    """Return the table of a control with a label for each feature that depends on nothing but the seed."""
    labels = np.random.default_rng((seed, 4)).integers(label_count, size=len(table), dtype=table.targets.dtype)
    return dataclasses.replace(table, targets=labels)
