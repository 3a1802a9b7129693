"""Evaluation of one task in one language: predictions, official metrics, and what a constant answer would get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spaces.task import Task
from trainables.encoder import Encoder, hidden_states
from trainables.examples import Example, Tagged
from trainables.feature_table import FeatureTable
from trainables.features import IGNORED, by_length, collate
from trainables.kinds import KINDS

BATCH = 128  # rows per evaluation batch; no part of the outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A test or dev set in one language, encoded."""

    task: Task
    language: str
    examples: Sequence[Example]
    features: FeatureTable

    @property
    def left_out(self) -> Mapping[str, int]:
        """Rows of the set that gave no example, by reason."""
        return self.features.left_out


@dataclass(frozen=True, slots=True)
class Result:
    """Metrics (shares from 0 to 1), the predictions behind them, and whether these are all the same."""

    metrics: dict[str, float]
    predictions: list[Any]
    constant: bool


def evaluate(encoder: Encoder, head: nn.Module, evaluated: Evaluated) -> Result:
    """Predict every example and score the predictions; the module is left in evaluation mode."""
    kind, task = KINDS[evaluated.task.kind], evaluated.task
    encoder.model.eval()
    head.eval()
    guesses: list[Any] = [None] * len(evaluated.features)
    with torch.inference_mode():
        for indices in by_length(evaluated.features.lengths, BATCH):
            features = [evaluated.features[i] for i in indices]
            batch = collate(features, encoder.pad_id, per_position=kind.per_position, device=encoder.device)
            logits = head(hidden_states(encoder.model, batch), batch)
            for i, guess in zip(indices, kind.decode(logits, batch, features), strict=True):
                guesses[i] = guess
    predictions = kind.merge(task, evaluated.features, guesses, evaluated.examples)
    metrics = kind.score(task, evaluated.examples, predictions, evaluated.language)
    return Result(metrics, predictions, constant=len(set(_flat(predictions))) <= 1)


def _flat(predictions: Sequence[Any]) -> Sequence[Any]:
    return [tag for tags in predictions for tag in tags] if isinstance(predictions[0], list) else predictions


def task_score(task: Task, metrics: dict[str, float]) -> float:
    """The task score: the mean of the official metrics."""
    return float(np.mean([metrics[name] for name in task.score]))


def majority(task: Task, targets: NDArray[np.int32], evaluated: Evaluated) -> dict[str, float] | None:
    """Metrics of always answering the commonest of the training targets; None where there is no such answer (span).

    Of labels that are equally common it is the one that comes first.
    """
    labels, first, counts = np.unique(targets[targets != IGNORED], return_index=True, return_counts=True)
    if task.kind == "span" or not len(labels):
        return None
    commonest = int(labels[np.lexsort((first, -counts))[0]])
    predictions: list[Any] = [
        [commonest] * len(example.words) if isinstance(example, Tagged) else commonest for example in evaluated.examples
    ]
    return KINDS[task.kind].score(task, evaluated.examples, predictions, evaluated.language)
