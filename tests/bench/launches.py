"""Ways to give a GPU fewer calls in a step, for `gpu.py`: what a step takes, and for how long the host is busy with it.

`autocast` is the product's own step: weights in 32 bits, cast to bf16 in every forward pass. `shadow` keeps a copy of
the weights in bf16, refreshed in one call after each optimizer step, and takes its gradients. `graph` records the
encoder's forward and backward pass at one padded length, and replays it (CUDA only). None but the first is built: by
these figures it is decided whether one should be.

Where the host is busy as long as the step takes, the GPU waits for calls, and fewer of them would help. Expected, by
arithmetic: some 130 calls a layer and step, 5 microseconds each, are 8 ms for XLM-R Base and 16 ms for Large. Their
products of 32 x 48 sub-tokens take 7 and 23 ms at 120 TFLOP/s. So Base waits for calls with short inputs, Large hardly.
"""

import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainables.features.features import Tensors, collate
from trainables.kinds import KINDS
from trainables.methods.rules import plain_fine_tuning
from trainables.methods.step import build_step
from trainables.training.fine_tuning import FineTuning

Step = Callable[[], None]
REPEATS, STEPS = 5, 10  # medians of so many runs of so many steps


def make_batch(training: FineTuning) -> Tensors:
    """Return the next batch of a training on its device."""
    _, features = training.batches.batch_at(training.step)
    return collate(features, training.encoder.pad_id, per_position=False, device=training.encoder.device)


def build_autocast(training: FineTuning, batch: Tensors) -> Step:
    """Return the product's own step, on one batch again and again."""
    kind, head = KINDS["pair"], training.heads[0]

    def step() -> None:
        training.optimizer.zero_grad(set_to_none=True)
        plain_fine_tuning(build_step(training.encoder, head, kind, batch, 1.0))
        nn.utils.clip_grad_norm_(training.weights.trained, 1.0)
        training.optimizer.step()

    return step


def build_shadow(training: FineTuning, batch: Tensors) -> Step:
    """Return a step on weights in bf16, whose gradients go to those in 32 bits, and which are refreshed from them."""
    encoder, head = training.encoder, training.heads[0]
    low = copy.deepcopy(encoder.model).to(torch.bfloat16)
    shadow = copy.copy(encoder)
    object.__setattr__(shadow, "model", low)
    object.__setattr__(shadow, "precision", "fp32")  # nothing is cast any more
    high_weights, low_weights = list(encoder.model.parameters()), list(low.parameters())

    def step() -> None:
        training.optimizer.zero_grad(set_to_none=True)
        for weight in low_weights:
            weight.grad = None
        plain_fine_tuning(build_step(shadow, head, KINDS["pair"], batch, 1.0))
        used = [(high, low.grad) for high, low in zip(high_weights, low_weights, strict=True) if low.grad is not None]
        gradients = [torch.empty_like(high) for high, _ in used]
        torch._foreach_copy_(gradients, [gradient for _, gradient in used])
        for (high, _), gradient in zip(used, gradients, strict=True):
            high.grad = gradient
        nn.utils.clip_grad_norm_(training.weights.trained, 1.0)
        training.optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(low_weights, high_weights)

    return step


def build_graph(training: FineTuning, batch: Tensors) -> Step:
    """Return a step whose encoder was recorded at the batch's shape. Raises RuntimeError without CUDA."""
    if training.encoder.device.type != "cuda":
        raise RuntimeError("a GPU's calls can be recorded on a GPU only")

    class Hidden(nn.Module):
        """The encoder with its inputs by position, as recording asks for."""

        def __init__(self) -> None:
            super().__init__()
            self.model = training.encoder.model

        def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
            with training.encoder.autocast():
                hidden: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            return hidden.float()

    given = batch["input_ids"], batch["attention_mask"]
    recorded = torch.cuda.make_graphed_callables(Hidden(), given)
    head = training.heads[0]

    def step() -> None:
        training.optimizer.zero_grad(set_to_none=False)  # recorded gradients have their places
        logits = head(recorded(*given), batch)
        nn.functional.cross_entropy(logits, batch["target"]).backward()
        nn.utils.clip_grad_norm_(training.weights.trained, 1.0)
        training.optimizer.step()

    return step


VARIANTS = {"autocast": build_autocast, "shadow": build_shadow, "graph": build_graph}


def time_steps(step: Step, device: torch.device) -> tuple[float, float]:
    """Return the milliseconds of a step, and those that the host is busy with it: medians."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(3):
        step()
    whole, host = [], []
    for _ in range(REPEATS):
        wait()
        began = time.perf_counter()
        for _ in range(STEPS):
            step()
        host.append(time.perf_counter() - began)
        wait()
        whole.append(time.perf_counter() - began)
    return 1e3 * statistics.median(whole) / STEPS, 1e3 * statistics.median(host) / STEPS
