"""Trainings on a tiny encoder that have not begun, and what the tests of training ask of one."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES, EncoderProfile
from spaces.stage import TENTHS, Precision
from spaces.task import Recipe, Task
from tests.trainables.conftest import tiny_encoder
from trainables.data.task_data import DataSource
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature, Tensors, collate
from trainables.kinds import KINDS
from trainables.methods.rules import build_rule
from trainables.models.encoder import Encoder
from trainables.training.batches import TrainingPart
from trainables.training.encoding import Encoding, encode_split, encode_training_table
from trainables.training.fine_tuning import FineTuning
from trainables.training.selection import Selection

MINIATURE = BENCHMARKS["miniature"]
SOURCE = DataSource(benchmark="miniature")
PROFILE = PROFILES["miniature"]
RECIPE = Recipe(steps=20, batch_size=8, max_length=64, stride=16)
ONE_STEP = Recipe(steps=1, batch_size=8, max_length=64)
TASKS = {"pair": "mnli", "text": "massive", "choice": "hellaswag", "tagging": "ccg", "span": "squad"}


def train_table(task: Task, encoding: Encoding, language: str | None = None, count: int = 40) -> FeatureTable:
    """The features of so many training examples."""
    table = encode_training_table(SOURCE, task, encoding, language)
    chosen = np.random.default_rng(0).permutation(int(table.examples.max()) + 1)[:count]
    features = [table[i] for i in np.flatnonzero(np.isin(table.examples, chosen)).tolist()]
    return build_table([features], per_position=table.per_position)


def part(
    name: str, encoder: Encoder, recipe: Recipe = RECIPE, profile: EncoderProfile = PROFILE, weight: float = 1.0
) -> TrainingPart:
    task = MINIATURE.intermediates[name]
    table = train_table(task, Encoding(encoder.tokenizer, recipe, profile))
    return TrainingPart(task=task, table=table, weight=weight)


def training_of(
    *names: str,
    encoder: Encoder | None = None,
    recipe: Recipe = RECIPE,
    profile: EncoderProfile = PROFILE,
    precision: Precision = "fp32",
    rate: float = 5e-3,
    seed: int = 0,
    method: Mapping[str, Any] | None = None,
    fuse_layers: bool = False,
    adapters: Mapping[str, Any] | None = None,
    averaged_tenths: int = 0,
) -> FineTuning:
    """A training on these tasks, of `tiny_encoder` unless told; `method` is the entry of a recipe."""
    encoder = dataclasses.replace(encoder or tiny_encoder(), precision=precision)
    parts = [part(name, encoder, recipe, profile) for name in names]
    rule = build_rule(method, [part.task for part in parts], SOURCE, encoder, [part.table for part in parts])
    encoding = Encoding(encoder.tokenizer, recipe, profile)
    dev_sets = [encode_split(SOURCE, part.task, "dev", "en", encoding) for part in parts]
    steps = recipe.steps or 0
    options: dict[str, Any] = {"learning_rate": rate, "seed": seed, "method": rule, "fuse_layers": fuse_layers}
    options |= {"adapters": adapters, "averaged_tenths": averaged_tenths}
    return FineTuning(encoder, parts, dev_sets, recipe, profile, steps=steps, **options)


def batch_of(features: Sequence[Feature], encoder: Encoder, kind: str = "pair") -> Tensors:
    per_position = KINDS[kind].per_position  # type: ignore[index]
    return collate(features, encoder.pad_id, per_position=per_position, device=encoder.device)


def equal(ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def drop_nothing(training: FineTuning) -> FineTuning:
    """The same training, without dropout."""
    for module in training.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return training


def assert_continues(cut: int, begin: Callable[[], FineTuning]) -> None:
    """A training that is cut after so many tenths and continued elsewhere ends bit for bit as one that is not."""
    whole = begin()
    for _ in range(TENTHS):
        whole.advance()
    first = begin()
    for _ in range(cut):
        first.advance()
    state = copy.deepcopy(first.take_state())
    torch.manual_seed(12345)  # another process has other random states
    second = begin()
    second.continue_from(state)
    while second.tenth < TENTHS:
        second.advance()
    assert equal(second.model.state_dict(), whole.model.state_dict())
    assert_equal_selections(second.selection, whole.selection)


def assert_equal_selections(one: Selection, other: Selection) -> None:
    assert equal(one.best_weights, other.best_weights)
    assert (one.curve, one.best_tenth, one.dev_metrics) == (other.curve, other.best_tenth, other.dev_metrics)
