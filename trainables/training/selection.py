"""Selection of the best tenth of a run by English dev.

A run is judged by its own dev sets. A phase that is trained as a target is (spaces/shared_training.py) is judged by the
target's as well: that selection chooses the weights with which the target is evaluated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from spaces.columns import MIX_SCORE, TASK_SCORE_SUFFIX
from trainables.training.evaluation import EvalResult, EvalSet, compute_task_score
from trainables.training.trained_weights import Weights


@dataclass(slots=True)
class Selection:
    """The dev scores of a run's tenths by some dev sets, and the weights of the best tenth.

    Of tenths with equal scores the last one counts: where dev is saturated, weights that settled at a lower rate are
    the better start for targets (measured on the miniature's supertags, see docs/lab-log.md). Where the recipe says so
    the last tenth is taken, whatever its score. `best_weights` are in the memory of the host: a copy on a GPU would
    take as much as one of the optimizer's moments (XLM-R Large: 2.2 GB).
    """

    dev_sets: Sequence[EvalSet]
    rule: Literal["best", "last"]
    curve: list[float] = field(default_factory=list)  # mean task scores (0 to 1)
    dev_metrics: list[dict[str, float]] = field(default_factory=list)
    best_weights: Weights = field(default_factory=dict)
    stage: str | None = None  # key of the target stage that it is for; None for the run's own
    is_scored_alike: bool = False  # as the run's own selection, whose results it then takes
    is_constant: bool = False  # all predictions after the last tenth were the same

    @property
    def best_tenth(self) -> int:
        """The tenth whose weights count so far; 0 before the first."""
        if self.rule == "last":
            return len(self.curve)
        return max((tenth for tenth, score in enumerate(self.curve, 1) if score == max(self.curve)), default=0)

    @property
    def best_score(self) -> float:
        """The score of that tenth."""
        return self.curve[self.best_tenth - 1] if self.curve else -np.inf

    def add(self, results: Sequence[EvalResult]) -> bool:
        """Record the results of a tenth on the dev sets; returns True if its weights are the best so far."""
        pairs = zip(self.dev_sets, results, strict=True)
        by_task = {dev_set.task.name: compute_task_score(dev_set.task, result.metrics) for dev_set, result in pairs}
        score = float(np.mean(list(by_task.values())))
        self.curve.append(score)
        of_mix = {MIX_SCORE: score, **{name + TASK_SCORE_SUFFIX: value for name, value in by_task.items()}}
        self.dev_metrics.append(results[0].metrics if len(results) == 1 else of_mix)
        self.is_constant = all(result.is_constant for result in results)
        return self.best_tenth == len(self.curve)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the scores as tensors by name."""
        tensors = {"curve": torch.tensor(self.curve, dtype=torch.float64), "constant": torch.tensor(self.is_constant)}
        for name in sorted(self.dev_metrics[0]) if self.dev_metrics else ():
            values = [metrics[name] for metrics in self.dev_metrics]
            tensors[f"dev.{name}"] = torch.tensor(values, dtype=torch.float64)
        return tensors

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `to_tensors` gave; raises KeyError for other tensors."""
        self.curve, self.is_constant = tensors["curve"].tolist(), bool(tensors["constant"])
        metrics = {name.removeprefix("dev."): tensors[name].tolist() for name in tensors if name.startswith("dev.")}
        self.dev_metrics = [{name: values[i] for name, values in metrics.items()} for i in range(len(self.curve))]
