"""The one training loop: fine-tune an encoder on a task, or on a mixture of tasks, in tenths of its schedule.

A run can be cut after any tenth and continued from `state()` bit for bit: weights, optimizer, random states and the
position in the data are all in it. The schedule and the order of the data are functions of seed and step.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from spaces.encoders import EncoderProfile
from spaces.stage import TENTHS
from spaces.task import Recipe, Task
from trainables.features.features import IGNORED, Feature, collate
from trainables.kinds import KINDS
from trainables.kinds.heads import build_task_head
from trainables.methods.adversarial import plain_fine_tuning
from trainables.methods.step import GradientRule, build_step
from trainables.models.encoder import Encoder
from trainables.training.batches import Batches, TrainingPart
from trainables.training.evaluation import EVAL_BATCH_TOKENS, EvalResult, EvalSet, compute_task_score, evaluate
from trainables.training.memory import try_within_memory
from trainables.training.optimizer import build_optimizer
from trainables.training.schedule import end_of_tenth, rate_factor
from trainables.worker.heartbeat import beat

CHECK_EVERY = 50  # steps between looks at the losses on a GPU: each look waits until the GPU has done all its work


class DivergedError(Exception):
    """The loss is no number any more."""


class FineTuning:
    """A run over ten tenths. `devs` are the English sets whose mean task score judges it, one per task that counts.

    `best` holds the weights of the tenth with the best score so far.
    They lie in the memory of the host: on the device a new copy beside the last one would cost as much as the moments
    of the optimizer (XLM-R Large: 4.5 GB).

    Of tenths with equal scores the last one counts: where dev is saturated, weights that settled at a lower rate hand
    on more (measured on the miniature's supertags, see tests/LOG.md).
    """

    def __init__(
        self,
        encoder: Encoder,
        parts: Sequence[TrainingPart],
        devs: Sequence[EvalSet],
        recipe: Recipe,
        profile: EncoderProfile,
        *,
        steps: int,
        learning_rate: float,
        seed: int,
        method: GradientRule = plain_fine_tuning,
        fuse_layers: bool = False,
    ) -> None:
        self.method = method
        self.encoder, self.parts, self.dev_sets, self.recipe = encoder, tuple(parts), tuple(devs), recipe
        self.steps, self.learning_rate, self.seed = steps, learning_rate, seed
        # Both are halved when memory runs out, and no part of the outcome.
        self.micro_batch, self.eval_batch_tokens = recipe.batch_size, EVAL_BATCH_TOKENS[encoder.device.type]
        self.may_halve = True  # the micro-batch; else memory that runs out ends the run
        self.batches = Batches(self.parts, steps=steps, batch_size=recipe.batch_size, bucket=profile.bucket, seed=seed)
        self.tenth, self.step = 0, 0
        self.is_constant = False
        self.best_tenth, self.best_score = 0, -np.inf
        self.curve: list[float] = []
        self.dev_metrics: list[dict[str, float]] = []
        torch.manual_seed(seed)  # heads and dropout: a seed is a replicate of the whole chain
        tasks = {part.task.name: part.task for part in self.parts}
        self.head_indices = {name: place for place, name in enumerate(tasks)}  # of the heads
        self.heads = nn.ModuleList(
            build_task_head(encoder, task, profile, fuse_layers=fuse_layers) for task in tasks.values()
        )
        masked = any(task.kind == "mlm" for task in tasks.values())
        self.has_fresh_word_head = masked and not encoder.masked_word_head.is_trained
        encoder.masked_word_head.is_trained |= masked
        self.model = nn.ModuleDict({"encoder": encoder.model, "heads": self.heads})
        self.model.to(encoder.device)
        self.best_weights = self._copy_weights()
        self.trainable_weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = build_optimizer(self.model, recipe.weight_decay, learning_rate)

    def advance(self) -> float:
        """Train the next tenth and return the English dev score after it (a share from 0 to 1).

        Raises DivergedError when a loss is no number.
        """
        self.train(end_of_tenth(self.tenth + 1, self.steps))
        self.tenth += 1
        return self._evaluate_dev()

    def train(self, end: int) -> None:
        """Train from where the run is up to step `end`.

        Raises DivergedError when a loss is no number: at its step on the CPU, at most CHECK_EVERY steps later on a GPU.
        """
        self.model.train()
        every = CHECK_EVERY if self.encoder.device.type == "cuda" else 1
        losses: list[torch.Tensor] = []
        while self.step < end:
            losses.append(self._update(*self.batches.batch_at(self.step)))
            self.step += 1
            beat()
            if len(losses) == every or self.step == end:
                self._check_losses(losses)
                losses.clear()

    def _evaluate_dev(self) -> float:
        """Score English dev, and keep the weights if they are the best so far."""
        results = [self.evaluate(dev) for dev in self.dev_sets]
        score = float(
            np.mean([compute_task_score(dev.task, r.metrics) for dev, r in zip(self.dev_sets, results, strict=True)])
        )
        self.curve.append(score)
        self.dev_metrics.append(results[0].metrics if len(results) == 1 else {"mean_task_score": score})
        self.is_constant = all(result.is_constant for result in results)
        if score >= self.best_score:
            self.best_tenth, self.best_score, self.best_weights = self.tenth, score, self._copy_weights()
        return score

    def evaluate(self, evaluated: EvalSet, task: Task | None = None) -> EvalResult:
        """Score the head of `task` (by default the set's own) on a dev or test set, in batches that fit into memory."""
        head = self.heads[self.head_indices[(task or evaluated.task).name]]
        result = evaluate(self.encoder, head, evaluated, self.eval_batch_tokens)
        self.eval_batch_tokens = result.batch_tokens
        return result

    def restore_best(self) -> None:
        """Put the best weights back into encoder and heads, to be evaluated or handed on."""
        self.model.load_state_dict(self.best_weights)

    def limit_micro_batch(self, examples: int) -> None:
        """Take at most so many examples of a batch at a time, and one at least: no part of the outcome."""
        self.micro_batch = max(1, min(self.micro_batch, examples))

    @property
    def note(self) -> str | None:
        """What a reader of the results should know about how the run went."""
        notes = []
        if self.micro_batch < self.recipe.batch_size:
            notes.append(f"{self.micro_batch} of {self.recipe.batch_size} examples at a time")
        if self.eval_batch_tokens < EVAL_BATCH_TOKENS[self.encoder.device.type]:
            notes.append(f"evaluation of {self.eval_batch_tokens} sub-tokens at a time")
        found = ["memory ran out: " + ", ".join(notes)] if notes else []
        if self.has_fresh_word_head:
            found.append("the encoder came without a head that guesses masked words: it began with a fresh one")
        return "; ".join(found) or None

    def _update(self, part: int, features: list[Feature]) -> torch.Tensor:
        """One step of the optimizer on one batch, whose loss is returned and not waited for.

        Where memory runs out it is done in halves, whose gradients add up.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * rate_factor(self.step, self.steps, self.recipe.warmup)
        gradients = partial(self._compute_gradients, part, features)
        while (loss := try_within_memory(gradients, reraise=self.micro_batch == 1 or not self.may_halve)) is None:
            self.micro_batch = max(1, min(self.micro_batch, len(features)) // 2)
        nn.utils.clip_grad_norm_(self.trainable_weights, self.recipe.clip)
        self.optimizer.step()
        return loss

    def _compute_gradients(self, part: int, features: list[Feature]) -> torch.Tensor:
        """Compute the gradients of a batch, `micro_batch` examples at a time, and return its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        if self.micro_batch >= len(features):
            return self._backward(part, features, 1.0)
        counted = _count_targets(features)
        parts = [features[i : i + self.micro_batch] for i in range(0, len(features), self.micro_batch)]
        return torch.stack([self._backward(part, some, _count_targets(some) / counted) for some in parts]).sum()

    def _backward(self, part: int, features: list[Feature], share: float) -> torch.Tensor:
        """Add the gradients of some features, whose labels are this share of the batch's; returns their loss."""
        task = self.parts[part].task
        kind, head = KINDS[task.kind], self.heads[self.head_indices[task.name]]
        batch = collate(features, self.encoder.pad_id, per_position=kind.per_position, device=self.encoder.device)
        # What a method does to the task is no business of the words beside it.
        method = plain_fine_tuning if task.kind == "mlm" else self.method
        return method(build_step(self.encoder, head, kind, batch, share))

    def _check_losses(self, losses: list[torch.Tensor]) -> None:
        """Raise DivergedError for the first of the last steps' losses that is no number."""
        for step, loss in enumerate(torch.stack(losses).tolist(), self.step - len(losses) + 1):
            if not math.isfinite(loss):
                raise DivergedError(f"the loss is {loss} at step {step} of {self.steps}")

    def _copy_weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().to("cpu", copy=True) for name, value in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Everything that the next tenth depends on, as tensors by name."""
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        if self.best_tenth != self.tenth:  # else they are the model's: a quarter of the file less
            state |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
        state["random"] = torch.get_rng_state()
        if self.encoder.device.type == "cuda":
            state["random.cuda"] = torch.cuda.get_rng_state(self.encoder.device)
        state["micro_batch"] = torch.tensor(self.micro_batch)
        state["curve"] = torch.tensor(self.curve, dtype=torch.float64)
        names = sorted(self.dev_metrics[0]) if self.dev_metrics else []
        for name in names:
            state[f"dev.{name}"] = torch.tensor([metrics[name] for metrics in self.dev_metrics], dtype=torch.float64)
        state["constant"] = torch.tensor(self.is_constant)
        return state

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from what `state()` gave; raises KeyError or RuntimeError if it belongs to another run."""
        self.model.load_state_dict(_select_by_prefix(state, "model."))
        self.best_weights = _select_by_prefix(state, "best.") or self._copy_weights()
        optimizer: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _select_by_prefix(state, "optimizer.").items():
            index, _, field = name.partition(".")
            optimizer.setdefault(int(index), {})[field] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        torch.set_rng_state(state["random"])
        if self.encoder.device.type == "cuda" and "random.cuda" in state:  # a run may go on on another device
            torch.cuda.set_rng_state(state["random.cuda"], self.encoder.device)
        self.micro_batch = int(state["micro_batch"])
        self.curve = state["curve"].tolist()
        metrics = {name: values.tolist() for name, values in _select_by_prefix(state, "dev.").items()}
        self.dev_metrics = [{name: values[i] for name, values in metrics.items()} for i in range(len(self.curve))]
        self.is_constant = bool(state["constant"])
        self.tenth = len(self.curve)
        self.step = end_of_tenth(self.tenth, self.steps) if self.tenth else 0
        if self.curve:
            self.best_score = max(self.curve)
            self.best_tenth = max(tenth for tenth, score in enumerate(self.curve, 1) if score == self.best_score)

    @property
    def is_done(self) -> bool:
        """All ten tenths are trained."""
        return self.tenth == TENTHS


def _select_by_prefix(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _count_targets(features: Sequence[Feature]) -> int:
    """Labels that the loss is a mean over: words (tagging) or inputs."""
    return sum(int((feature.target != IGNORED).sum()) if feature.target.ndim else 1 for feature in features)
