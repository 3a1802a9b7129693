"""Evaluation of one task in one language: predictions, metrics and score rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from spaces.task import Task
from trainables.features.examples import Example
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Feature, Tensors, collate, take_batch
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder
from trainables.worker.heartbeat import beat
from trainables.worker.memory import try_within_memory

# Maximal sub-tokens of an evaluation batch, padding included; no part of the outcome. On the CPU small batches stay in
# its caches: 16,384 took 1.1 to 1.4 times as long as 2,048 with encoders of width 64 and 192.
EVAL_BATCH_TOKENS = {"cpu": 2_048, "cuda": 16_384}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """A test or dev set in one language, with its features."""

    task: Task
    language: str
    examples: Sequence[Example]
    features: FeatureTable

    @property
    def left_out(self) -> Mapping[str, int]:
        """The number of rows that gave no example, by reason."""
        return self.features.left_out


def is_scored_alike(one: EvalSet, other: EvalSet) -> bool:
    """Return True if the same predictions get the same metrics on both sets: equal features, tasks with equal rules."""
    rules = [(s.task.official_metrics, s.task.other_metrics, s.task.answer_script, s.language) for s in (one, other)]
    return rules[0] == rules[1] and one.features.equals(other.features)


@dataclass(frozen=True, slots=True)
class EvalResult:
    """Metrics (0 to 1) and the predictions they judge.

    `is_constant` says that all predictions are the same. `batch_tokens` is a size of batches that fitted into memory.
    """

    metrics: dict[str, float]
    predictions: list[Any]
    is_constant: bool
    batch_tokens: int


def evaluate(encoder: Encoder, head: nn.Module, eval_set: EvalSet, batch_tokens: int) -> EvalResult:
    """Predict every example and score the predictions. Encoder and head are left in evaluation mode.

    Batches hold at most `batch_tokens` sub-tokens, padding included. Where memory runs out the limit is halved. Raises
    OutOfMemoryError if one example alone does not fit.
    """
    kind, task = KINDS[eval_set.task.kind], eval_set.task
    encoder.model.eval()
    head.eval()
    # The outer context keeps the weights in bf16 from batch to batch.
    with torch.inference_mode(), encoder.autocast():
        prediction = _Prediction(encoder, head, eval_set, batch_tokens)
        prediction.run(ahead=encoder.device.type == "cuda")
    predictions = kind.merge(task, eval_set.features, prediction.guesses, eval_set.examples)
    metrics = kind.score(task, eval_set.examples, predictions, eval_set.language)
    flat = [tag for tags in predictions for tag in tags] if isinstance(predictions[0], list) else predictions
    return EvalResult(metrics, predictions, is_constant=len(set(flat)) <= 1, batch_tokens=prediction.batch_tokens)


@dataclass(frozen=True, slots=True)
class _Launched:
    """A batch whose logits the device computes, or has computed."""

    indices: list[int]
    features: list[Feature]
    batch: Tensors
    logits: Any


class _Prediction:
    """The guesses for the features of a set, batch by batch, long features first: little padding."""

    def __init__(self, encoder: Encoder, head: nn.Module, eval_set: EvalSet, batch_tokens: int) -> None:
        self.encoder, self.head, self.table, self.batch_tokens = encoder, head, eval_set.features, batch_tokens
        self.kind = KINDS[eval_set.task.kind]
        self.guesses: list[Any] = [None] * len(self.table)
        self.waiting: list[int] = np.argsort(-self.table.lengths, kind="stable").tolist()

    def run(self, *, ahead: bool) -> None:
        """Guess all. With `ahead` the device computes a batch while the host reads the guesses of the one before."""
        launched: _Launched | None = None
        while self.waiting or launched is not None:
            following = self._launch(alone=launched is None) if self.waiting and (ahead or launched is None) else None
            if launched is not None:
                self._read(launched)
            launched = following
            beat()

    def _launch(self, *, alone: bool) -> _Launched | None:
        """Give the next batch to the device; None if memory ran out. If nothing else is there, the limit is halved."""
        features = take_batch((self.table[i] for i in self.waiting), self.batch_tokens)
        launch = partial(self._compute, self.waiting[: len(features)], features)
        launched = try_within_memory(launch, reraise=alone and len(features) == 1)
        if launched is not None:
            self.waiting = self.waiting[len(features) :]
        elif alone:
            self._halve(features)
        return launched

    def _compute(self, indices: list[int], features: list[Feature]) -> _Launched:
        encoder = self.encoder
        batch = collate(features, encoder.pad_id, per_position=self.kind.per_position, device=encoder.device)
        return _Launched(indices, features, batch, encoder.compute_logits(self.head, batch))

    def _read(self, launched: _Launched) -> None:
        """Take the guesses of a batch; where memory runs out it waits again, and the limit is halved."""
        decode = partial(self.kind.decode, launched.logits, launched.batch, launched.features)
        guesses = try_within_memory(decode, reraise=len(launched.features) == 1)
        if guesses is None:
            self.waiting = [*launched.indices, *self.waiting]
            self._halve(launched.features)
            return
        for i, guess in zip(launched.indices, guesses, strict=True):
            self.guesses[i] = guess

    def _halve(self, features: Sequence[Feature]) -> None:
        self.batch_tokens = sum(len(feature.rows) for feature in features) * features[0].length // 2


def compute_task_score(task: Task, metrics: Mapping[str, float]) -> float:
    """Return the task score: the mean of the official metrics."""
    return float(np.mean([metrics[name] for name in task.official_metrics]))


def build_metric_rows(
    metrics: Mapping[str, float | None], official: Collection[str], **columns: Any
) -> list[dict[str, Any]]:
    """Return one score row per metric, with these `columns`: target, tenth, language, split, number of examples."""
    return [
        {**columns, "metric": name, "official": name in official, "value": value} for name, value in metrics.items()
    ]
