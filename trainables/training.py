"""The one training loop: fine-tune an encoder on a task, or on a mixture of tasks, in tenths of its schedule.

A run can be cut after any tenth and continued from `state()` bit for bit: weights, optimizer, random states and the
position in the data are all in it. The schedule and the order of the data are functions of seed and step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spaces.profile import Profile
from spaces.stage import TENTHS
from spaces.task import Recipe, Task
from trainables.encoder import Encoder, freeze_embeddings, hidden_states
from trainables.evaluation import Evaluated, evaluate, task_score
from trainables.feature_table import FeatureTable
from trainables.features import IGNORED, Feature, collate
from trainables.kinds import KINDS
from trainables.schedule import Order, end_of_tenth, rate_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One task of a run: what it is trained on and the English dev set that judges it."""

    task: Task
    train: FeatureTable
    dev: Evaluated
    weight: float = 1.0  # its share of the steps in a mixture, not normalised


class DivergedError(Exception):
    """The loss is no number any more."""


class FineTuning:
    """A run over ten tenths. `best` holds the weights of the tenth with the best English dev score so far.

    Of tenths with equal scores the last one counts: where dev is saturated, weights that settled at a lower rate hand
    on more (measured on the miniature's supertags, see tests/LOG.md).
    """

    def __init__(
        self,
        encoder: Encoder,
        parts: Sequence[Part],
        recipe: Recipe,
        profile: Profile,
        *,
        steps: int,
        learning_rate: float,
        seed: int,
    ) -> None:
        self.encoder, self.parts, self.recipe = encoder, tuple(parts), recipe
        self.steps, self.learning_rate, self.seed = steps, learning_rate, seed
        self.micro_batch = recipe.batch_size  # halved when memory runs out; no part of the outcome
        self.turns = _turns(self.parts, steps, seed)
        self.orders = [Order(len(part.train), recipe.batch_size, (seed, 2, i)) for i, part in enumerate(self.parts)]
        self.tenth, self.step = 0, 0
        self.constant = False
        self.best_tenth, self.best_score = 0, -np.inf
        self.curve: list[float] = []
        self.dev: list[dict[str, float]] = []
        torch.manual_seed(seed)  # heads and dropout: a seed is a replicate of the whole chain
        if profile.freeze_embeddings:
            freeze_embeddings(encoder.model)
        self.heads = nn.ModuleList(
            KINDS[part.task.kind].head(encoder.width, part.task, encoder.dropout, profile) for part in self.parts
        )
        self.model = nn.ModuleDict({"encoder": encoder.model, "heads": self.heads})
        self.model.to(encoder.device)
        self.best = self._weights()
        self.optimizer = torch.optim.AdamW(_groups(self.model, recipe.weight_decay), lr=learning_rate, eps=1e-8)

    def advance(self) -> float:
        """Train the next tenth and return the English dev score after it (a share from 0 to 1).

        Raises DivergedError when the loss is no number.
        """
        self.model.train()
        end = end_of_tenth(self.tenth + 1, self.steps)
        while self.step < end:
            self._update(*self._batch(self.step))
            self.step += 1
        self.tenth += 1
        results = [evaluate(self.encoder, head, part.dev) for head, part in zip(self.heads, self.parts, strict=True)]
        score = float(np.mean([task_score(part.task, r.metrics) for part, r in zip(self.parts, results, strict=True)]))
        self.curve.append(score)
        self.dev.append(results[0].metrics if len(results) == 1 else {"mean_task_score": score})
        self.constant = all(result.constant for result in results)
        if score >= self.best_score:
            self.best_tenth, self.best_score, self.best = self.tenth, score, self._weights()
        return score

    def restore_best(self) -> None:
        """Put the best weights back into encoder and heads, to be evaluated or handed on."""
        self.model.load_state_dict(self.best)

    @property
    def note(self) -> str | None:
        """What a reader of the results should know about how the run went."""
        if self.micro_batch == self.recipe.batch_size:
            return None
        return f"memory ran out: {self.micro_batch} of {self.recipe.batch_size} examples at a time"

    def _batch(self, step: int) -> tuple[int, list[Feature]]:
        """The part that step trains and its features: a function of seed and step alone."""
        part = int(self.turns[step])
        turn = int((self.turns[:step] == part).sum())
        return part, [self.parts[part].train[i] for i in self.orders[part].batch(turn)]

    def _update(self, part: int, features: list[Feature]) -> None:
        """One step of the optimizer on one batch; where memory runs out in halves of it, whose gradients add up."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * rate_factor(self.step, self.steps, self.recipe.warmup)
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            try:
                for start in range(0, len(features), self.micro_batch):
                    self._backward(part, features[start : start + self.micro_batch], _counted(features))
                break
            except torch.OutOfMemoryError:
                if self.micro_batch == 1:
                    raise
                self.micro_batch = max(1, min(self.micro_batch, len(features)) // 2)
                torch.cuda.empty_cache()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()

    def _backward(self, part: int, features: list[Feature], counted: int) -> None:
        """Add the gradients of some features of a batch in which `counted` labels count."""
        kind = KINDS[self.parts[part].task.kind]
        batch = collate(features, self.encoder.pad_id, per_position=kind.per_position, device=self.encoder.device)
        loss = kind.loss(self.heads[part](hidden_states(self.encoder.model, batch), batch), batch)
        if not torch.isfinite(loss):
            raise DivergedError(f"the loss is {loss.item()} at step {self.step + 1} of {self.steps}")
        (loss * (_counted(features) / counted)).backward()

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that the next tenth depends on, as tensors by name."""
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        state |= {f"best.{name}": value for name, value in self.best.items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
        state["random"] = torch.get_rng_state()
        state["curve"] = torch.tensor(self.curve, dtype=torch.float64)
        names = sorted(self.dev[0]) if self.dev else []
        for name in names:
            state[f"dev.{name}"] = torch.tensor([metrics[name] for metrics in self.dev], dtype=torch.float64)
        state["constant"] = torch.tensor(self.constant)
        return state

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from what `state()` gave; raises KeyError or RuntimeError if it belongs to another run."""
        self.model.load_state_dict(_below(state, "model."))
        self.best = _below(state, "best.")
        optimizer: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _below(state, "optimizer.").items():
            index, _, field = name.partition(".")
            optimizer.setdefault(int(index), {})[field] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        torch.set_rng_state(state["random"])
        self.curve = state["curve"].tolist()
        metrics = {name: values.tolist() for name, values in _below(state, "dev.").items()}
        self.dev = [{name: values[i] for name, values in metrics.items()} for i in range(len(self.curve))]
        self.constant = bool(state["constant"])
        self.tenth = len(self.curve)
        self.step = end_of_tenth(self.tenth, self.steps) if self.tenth else 0
        if self.curve:
            self.best_score = max(self.curve)
            self.best_tenth = max(tenth for tenth, score in enumerate(self.curve, 1) if score == self.best_score)

    @property
    def done(self) -> bool:
        """All ten tenths are trained."""
        return self.tenth == TENTHS


def _below(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _counted(features: Sequence[Feature]) -> int:
    """Labels that the loss is a mean over: words (tagging) or inputs."""
    return sum(int((feature.target != IGNORED).sum()) if feature.target.ndim else 1 for feature in features)


def _turns(parts: Sequence[Part], steps: int, seed: int) -> NDArray[np.int64]:
    """Which part each step trains: drawn with probability proportional to the parts' weights."""
    weights = np.array([part.weight for part in parts])
    return np.random.default_rng((seed, 1)).choice(len(parts), size=steps, p=weights / weights.sum())


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters with weight decay, and without it (biases and norms), as in the published recipes."""
    trained = [value for value in model.parameters() if value.requires_grad]
    return [
        {"params": [value for value in trained if value.ndim > 1], "weight_decay": weight_decay},
        {"params": [value for value in trained if value.ndim <= 1], "weight_decay": 0.0},
    ]
