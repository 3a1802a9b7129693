"""Evaluation of one task in one language: predictions, official metrics, and what a constant answer would get."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spaces.task import Task
from trainables.features.examples import Example, TaggingExample
from trainables.features.feature_table import FeatureTable
from trainables.features.features import IGNORED, Feature, collate
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder
from trainables.training.memory import try_within_memory
from trainables.worker.heartbeat import beat

# Sub-tokens of an evaluation batch at most, padding included; no part of the outcome. On the CPU small batches stay in
# its caches: 16,384 took 1.1 to 1.4 times as long as 2,048 with encoders of width 64 and 192.
EVAL_BATCH_TOKENS = {"cpu": 2_048, "cuda": 16_384}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
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
class EvalResult:
    """Metrics (shares from 0 to 1), the predictions behind them, whether these are all the same.

    `tokens` is the size of a batch that fitted into memory.
    """

    metrics: dict[str, float]
    predictions: list[Any]
    is_constant: bool
    batch_tokens: int


def evaluate(encoder: Encoder, head: nn.Module, evaluated: EvalSet, tokens: int) -> EvalResult:
    """Predict every example and score the predictions; the module is left in evaluation mode.

    Batches hold at most `tokens` sub-tokens, padding included; where memory runs out they are halved.
    """
    kind, task = KINDS[evaluated.task.kind], evaluated.task
    encoder.model.eval()
    head.eval()

    def decoded(features: list[Feature]) -> list[Any]:
        batch = collate(features, encoder.pad_id, per_position=kind.per_position, device=encoder.device)
        return kind.decode(encoder.compute_logits(head, batch), batch, features)

    guesses: list[Any] = [None] * len(evaluated.features)
    # Long ones first: little padding, and a lack of memory shows at once.
    waiting = np.argsort(-evaluated.features.lengths, kind="stable").tolist()
    with torch.inference_mode(), encoder.autocast():  # the outer context keeps the weights in bf16 from batch to batch
        while waiting:
            features = _take_batch(tokens, (evaluated.features[i] for i in waiting))
            found = try_within_memory(partial(decoded, features), reraise=len(features) == 1)
            if found is None:
                tokens = sum(len(feature.rows) for feature in features) * features[0].length // 2
                continue
            for i, guess in zip(waiting[: len(features)], found, strict=True):
                guesses[i] = guess
            waiting = waiting[len(features) :]
            beat()
    predictions = kind.merge(task, evaluated.features, guesses, evaluated.examples)
    metrics = kind.score(task, evaluated.examples, predictions, evaluated.language)
    return EvalResult(metrics, predictions, is_constant=len(set(_flatten_tags(predictions))) <= 1, batch_tokens=tokens)


def _take_batch(tokens: int, features: Iterable[Feature]) -> list[Feature]:
    """The first of these features, longest first, that make at most so many tokens; one at the least."""
    chosen: list[Feature] = []
    rows = 0
    for feature in features:
        rows += len(feature.rows)
        if chosen and rows * chosen[0].length > tokens:
            break
        chosen.append(feature)
    return chosen


def _flatten_tags(predictions: Sequence[Any]) -> Sequence[Any]:
    return [tag for tags in predictions for tag in tags] if isinstance(predictions[0], list) else predictions


def compute_task_score(task: Task, metrics: dict[str, float]) -> float:
    """The task score: the mean of the official metrics."""
    return float(np.mean([metrics[name] for name in task.official_metrics]))


def score_majority_baseline(task: Task, targets: NDArray[np.int32], evaluated: EvalSet) -> dict[str, float] | None:
    """Metrics of always answering the commonest of the training targets; None where there is none (span, masked words).

    Of labels that are equally common it is the one that comes first.
    """
    labels, first, counts = np.unique(targets[targets != IGNORED], return_index=True, return_counts=True)
    if task.kind in ("span", "mlm") or not len(labels):
        return None
    commonest = int(labels[np.lexsort((first, -counts))[0]])
    predictions: list[Any] = [
        [commonest] * len(example.words) if isinstance(example, TaggingExample) else commonest
        for example in evaluated.examples
    ]
    return KINDS[task.kind].score(task, evaluated.examples, predictions, evaluated.language)
