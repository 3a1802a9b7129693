"""Evaluation of one task in one language: predictions, metrics and score rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from spaces.task import Task
from trainables.features.examples import Example
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Feature, collate
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder
from trainables.training.memory import try_within_memory
from trainables.worker.heartbeat import beat

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

    def predict(features: list[Feature]) -> list[Any]:
        batch = collate(features, encoder.pad_id, per_position=kind.per_position, device=encoder.device)
        return kind.decode(encoder.compute_logits(head, batch), batch, features)

    guesses: list[Any] = [None] * len(eval_set.features)
    # Long features first: little padding, and a lack of memory shows at once.
    waiting = np.argsort(-eval_set.features.lengths, kind="stable").tolist()
    with torch.inference_mode(), encoder.autocast():  # the outer context keeps the weights in bf16 from batch to batch
        while waiting:
            features = _take_batch(batch_tokens, (eval_set.features[i] for i in waiting))
            batch_guesses = try_within_memory(partial(predict, features), reraise=len(features) == 1)
            if batch_guesses is None:
                batch_tokens = sum(len(feature.rows) for feature in features) * features[0].length // 2
                continue
            for i, guess in zip(waiting[: len(features)], batch_guesses, strict=True):
                guesses[i] = guess
            waiting = waiting[len(features) :]
            beat()
    predictions = kind.merge(task, eval_set.features, guesses, eval_set.examples)
    metrics = kind.score(task, eval_set.examples, predictions, eval_set.language)
    flat = [tag for tags in predictions for tag in tags] if isinstance(predictions[0], list) else predictions
    return EvalResult(metrics, predictions, is_constant=len(set(flat)) <= 1, batch_tokens=batch_tokens)


def _take_batch(batch_tokens: int, features: Iterable[Feature]) -> list[Feature]:
    """Return the first features, longest first, that have at most `batch_tokens` sub-tokens together; at least one."""
    batch: list[Feature] = []
    rows = 0
    for feature in features:
        rows += len(feature.rows)
        if batch and rows * batch[0].length > batch_tokens:
            break
        batch.append(feature)
    return batch


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
