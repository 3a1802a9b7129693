"""The training loop: fine-tune an encoder on a task, or on a mixture of tasks, in tenths of its schedule.

A run can be cut after any tenth and continued from its state bit for bit: that holds weights, optimizer, random
states and the position in the data. Schedule and order of the data are functions of seed and step.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from spaces.encoders import PIECE_VALUES, EncoderProfile
from spaces.stage import TENTHS
from spaces.task import Recipe, Task
from trainables.features.features import Feature, collate, count_targets, split_batch
from trainables.kinds import KINDS, build_task_head, mlm
from trainables.methods.adversarial import plain_fine_tuning
from trainables.methods.step import GradientRule, build_step
from trainables.models.adapters import Adapters
from trainables.models.encoder import Encoder
from trainables.record.checkpoints import TrainingState
from trainables.training.averaging import WeightAverage
from trainables.training.batches import Batches, TrainingPart
from trainables.training.evaluation import EVAL_BATCH_TOKENS, EvalResult, EvalSet, evaluate, is_scored_alike
from trainables.training.losses import choose_interval, sum_losses
from trainables.training.optimizer import build_optimizer, dump_optimizer, restore_optimizer
from trainables.training.schedule import end_of_tenth, rate_factor
from trainables.training.selection import Selection
from trainables.training.state_tensors import read_random_states, restore_random_states, select_by_prefix
from trainables.training.tf32 import use_tf32
from trainables.training.trained_weights import TrainedWeights, Weights
from trainables.worker.heartbeat import beat
from trainables.worker.memory import copy_to_host, try_within_memory
from trainables.worker.stage_clock import count, spend


class FineTuning:
    """A run of ten tenths, judged by the mean task score over `dev_sets`: English dev of each task that counts.

    `selections` are the run's own, by `dev_sets`, and any that others ask for: `select_by`. `adapters` are the settings
    of LoRA: then the encoder is frozen, and adapters and heads are all that is trained and part of the state. With
    `averaged_tenths` the last one, whose weights are the mean of so many, is the one that counts.
    """

    def __init__(
        self,
        encoder: Encoder,
        parts: Sequence[TrainingPart],
        dev_sets: Sequence[EvalSet],
        recipe: Recipe,
        profile: EncoderProfile,
        *,
        steps: int,
        learning_rate: float,
        seed: int,
        method: GradientRule = plain_fine_tuning,
        fuse_layers: bool = False,
        adapters: Mapping[str, Any] | None = None,
        averaged_tenths: int = 0,
    ) -> None:
        self.method = method
        self.encoder, self.parts, self.recipe = encoder, tuple(parts), recipe
        self.steps, self.learning_rate, self.seed = steps, learning_rate, seed
        # Halved when memory runs out; no part of the outcome.
        self.micro_batch, self.eval_batch_tokens = recipe.batch_size, EVAL_BATCH_TOKENS[encoder.device.type]
        self.piece_tokens = PIECE_VALUES // encoder.width if encoder.device.type == "cpu" else None
        self.may_halve = True  # the micro-batch; if False, running out of memory ends the run
        # One for all languages: it lists the whole vocabulary.
        drawer = mlm.build_drawer(encoder.tokenizer) if any(part.task.kind == "mlm" for part in self.parts) else None
        self.batches = Batches(
            self.parts,
            steps=steps,
            batch_size=recipe.batch_size,
            bucket=profile.bucket,
            seed=seed,
            drawers=[drawer if part.task.kind == "mlm" else None for part in self.parts],
        )
        self.tenth, self.step, self.average = 0, 0, WeightAverage(averaged_tenths)
        self.selections = [Selection(tuple(dev_sets), "last" if averaged_tenths else recipe.selection)]
        torch.manual_seed(seed)  # heads and dropout: a seed is a replicate of the whole chain
        tasks = {part.task.name: part.task for part in self.parts}
        self.head_indices = {name: index for index, name in enumerate(tasks)}
        self.heads = nn.ModuleList(
            build_task_head(encoder, task, profile, fuse_layers=fuse_layers) for task in tasks.values()
        )
        trains_words = any(task.kind == "mlm" for task in tasks.values())
        self.has_fresh_word_head = trains_words and not encoder.masked_word_head.is_trained
        encoder.masked_word_head.is_trained |= trains_words
        self.adapters = None if adapters is None else Adapters(encoder.model, **adapters)
        self.model = nn.ModuleDict({"encoder": encoder.model, "heads": self.heads})
        self.model.to(encoder.device)
        self.weights = TrainedWeights(self.model, frozen=self.adapters is not None)
        self.optimizer = build_optimizer(self.weights.trained, recipe.weight_decay, learning_rate)

    @property
    def selection(self) -> Selection:
        """The run's own selection."""
        return self.selections[0]

    @property
    def curve(self) -> list[float]:
        """English dev scores of the tenths, by its own selection."""
        return self.selection.curve

    def select_by(self, dev_set: EvalSet, *, stage: str) -> None:
        """Select the best tenth by another stage's dev set as well. Call it before the first tenth."""
        is_same = all(is_scored_alike(own, dev_set) for own in self.selection.dev_sets)
        self.selections.append(Selection((dev_set,), self.selection.rule, stage=stage, is_scored_alike=is_same))

    def advance(self) -> None:
        """Train the next tenth and score English dev after it (0 to 1); see `train` for errors."""
        self.train(end_of_tenth(self.tenth + 1, self.steps))
        self.tenth += 1
        if self.tenth == TENTHS:
            self.optimizer.state.clear()
        self.average.add(self.weights, self.tenth)
        with spend("dev"):
            self._evaluate_dev()

    def train(self, end: int) -> float:
        """Train from the current step up to step `end`; return the mean loss of these steps.

        Raises DivergedError if a loss is not a finite number: at its step on the CPU, and at the next check on a GPU.
        """
        self.model.train()
        begin, every, losses, total = self.step, choose_interval(self.encoder.device), list[Tensor](), 0.0
        count(0, end - begin)
        while self.step < end:
            with use_tf32(self.encoder.device, self.encoder.precision):
                losses.append(self._update(*self.batches.batch_at(self.step)))
            self.step += 1
            beat()
            count(self.step - begin, end - begin)
            if len(losses) == every or self.step == end:
                total += sum_losses(losses, self.step, self.steps)
                losses.clear()
        self.optimizer.zero_grad(set_to_none=True)  # evaluation needs their memory
        return total / max(1, end - begin)

    def _evaluate_dev(self) -> None:
        """Score the dev sets of all selections, and keep the weights where they are the best so far."""
        own, weights = [self.evaluate(dev_set) for dev_set in self.selection.dev_sets], Weights()
        for selection in self.selections:
            is_own = selection is self.selection or selection.is_scored_alike
            task = self.parts[0].task
            if selection.add(own if is_own else [self.evaluate(each, task) for each in selection.dev_sets]):
                with spend("checkpoints"):
                    selection.best_weights = {}  # gone before the copy is made
                    selection.best_weights = weights = weights or copy_to_host(self.weights.read())

    def evaluate(self, eval_set: EvalSet, task: Task | None = None) -> EvalResult:
        """Score the head of `task` (by default the set's own) on a dev or test set, in batches that fit into memory."""
        head = self.heads[self.head_indices[(task or eval_set.task).name]]
        result = evaluate(self.encoder, head, eval_set, self.eval_batch_tokens)
        self.eval_batch_tokens = result.batch_tokens
        return result

    def restore_best(self) -> None:
        """Put the best weights back into encoder and heads, for evaluation and for the stages that start from them.

        Adapters are merged into the encoder, once, so this ends a training that has some.
        """
        self.weights.load(self.selection.best_weights)
        if self.adapters is not None:
            self.adapters.merge()

    def limit_micro_batch(self, examples: int) -> None:
        """Process at most `examples` of a batch at a time, and at least one. The outcome stays the same."""
        self.micro_batch = max(1, min(self.micro_batch, examples))

    @property
    def note(self) -> str | None:
        """A note for readers of the results on how the run went; None if there is nothing to say."""
        limits = []
        if self.micro_batch < self.recipe.batch_size:
            limits.append(f"{self.micro_batch} of {self.recipe.batch_size} examples at a time")
        if self.eval_batch_tokens < EVAL_BATCH_TOKENS[self.encoder.device.type]:
            limits.append(f"evaluation of {self.eval_batch_tokens} sub-tokens at a time")
        head = f"{self.encoder.masked_word_head.reason}: training of masked words began with a new head"
        notes = ["memory ran out: " + ", ".join(limits)] if limits else []
        return "; ".join([*notes, *([head] if self.has_fresh_word_head else [])]) or None

    def _update(self, part: int, features: list[Feature]) -> Tensor:
        """Do one optimizer step, in halves where memory runs out; return the loss, without waiting for the device."""
        for group in self.optimizer.param_groups:
            factor = rate_factor(self.step, self.steps, self.recipe.warmup, self.recipe.warmup_steps)
            group["lr"] = self.learning_rate * factor
        compute = partial(self._compute_gradients, part, features)
        while (loss := try_within_memory(compute, reraise=self.micro_batch == 1 or not self.may_halve)) is None:
            self.micro_batch = max(1, min(self.micro_batch, len(features)) // 2)
        nn.utils.clip_grad_norm_(self.weights.trained, self.recipe.clip)
        self.optimizer.step()
        return loss

    def _compute_gradients(self, part: int, features: list[Feature]) -> Tensor:
        """Compute the gradients of a batch in pieces that fit into memory, and return its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        total, pieces = count_targets(features), split_batch(features, self.micro_batch, self.piece_tokens)
        return torch.stack([self._backward(part, piece, count_targets(piece) / total) for piece in pieces]).sum()

    def _backward(self, part: int, features: list[Feature], share: float) -> Tensor:
        """Add the gradients of features that have this share of the batch's labels, and return their loss."""
        task = self.parts[part].task
        kind, head = KINDS[task.kind], self.heads[self.head_indices[task.name]]
        batch = collate(features, self.encoder.pad_id, per_position=kind.per_position, device=self.encoder.device)
        # A method applies to the tasks only: masked words beside them are trained plainly.
        method = plain_fine_tuning if task.kind == "mlm" else self.method
        return method(build_step(self.encoder, head, kind, batch, share))

    def take_state(self) -> TrainingState:
        """Return everything that the next tenth depends on, without copying it; after the last one the best weights."""
        tensors = {**read_random_states(self.encoder.device), "micro_batch": torch.tensor(self.micro_batch)}
        for number, selection in enumerate(self.selections):
            tensors |= {f"selection.{number}.{name}": tensor for name, tensor in selection.to_tensors().items()}
        best = {selection.best_tenth: selection.best_weights for selection in self.selections if self.tenth}
        if self.tenth < TENTHS:
            tensors |= {f"model.{name}": value for name, value in self.weights.read().items()}
            tensors |= dump_optimizer(self.optimizer)
            best.pop(self.tenth, None)
        tensors |= {f"average.{name}": value for name, value in self.average.mean.items()}
        return TrainingState(tenth=self.tenth, tensors=tensors, best=best)

    def continue_from(self, state: TrainingState) -> None:
        """Continue from a state; raises KeyError, RuntimeError or ValueError for that of another run.

        Selections that the state does not have are dropped, except the run's own.
        """
        tensors, selections = state.tensors, []
        for number, selection in enumerate(self.selections):
            if number and f"selection.{number}.curve" not in tensors:
                continue
            selection.load_tensors(select_by_prefix(tensors, f"selection.{number}."))
            if len(selection.curve) != state.tenth:
                raise ValueError(f"{len(selection.curve)} scores after tenth {state.tenth}")
            selections.append(selection)
        self.selections = selections
        if state.tenth < TENTHS:
            self.weights.load(select_by_prefix(tensors, "model."))
            restore_optimizer(self.optimizer, tensors)
        for selection in selections:
            is_model = selection.best_tenth == state.tenth < TENTHS
            best = self.weights.read() if is_model else state.best[selection.best_tenth]
            selection.best_weights = copy_to_host(best)
        self.average.load(select_by_prefix(tensors, "average."))
        restore_random_states(tensors, self.encoder.device)
        self.micro_batch = int(tensors["micro_batch"])
        self.tenth = state.tenth
        self.step = end_of_tenth(self.tenth, self.steps) if self.tenth else 0
