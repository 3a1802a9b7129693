"""TaskEmb: the parts of a fine-tuned encoder that its task's loss depends on (Vu et al. 2020, after Task2Vec).

It is the diagonal of the empirical Fisher information: the mean over examples of the squared gradient of an example's
log likelihood, at its gold labels. Squares are per example. The square of a batch's summed gradient, which released
code takes, mixes examples whose gradients cancel.
"""

from collections.abc import Sequence

import torch
from torch import nn

from trainables.features.features import IGNORED, Feature, collate
from trainables.kinds.kind import KindOfTask
from trainables.models.encoder import Encoder, compute_layer_states
from trainables.worker.heartbeat import beat


def compute_task_embedding(
    encoder: Encoder, head: nn.Module, kind: KindOfTask, features: Sequence[Feature]
) -> dict[str, torch.Tensor]:
    """Return the Fisher information by component, each a vector on the CPU in 64 bits; components of zeros are omitted.

    Components are the encoder's weight matrices by name, each as means over the inputs of its output units (the whole
    diagonal would be as large as the encoder); `layer K`, the states of a layer, whose gradients are summed over the
    tokens of an example, squared and divided by the number of tokens; and `first token`, the state of the first token
    in the last layer. There is no dropout. The `grad` of the encoder's parameters is not changed.
    """
    modules = encoder.model.named_modules()
    weights = {f"{name}.weight": module.weight for name, module in modules if isinstance(module, nn.Linear)}
    encoder.model.eval()
    head.eval()
    sums: dict[str, torch.Tensor] = {}
    for feature in features:
        batch = collate([feature], encoder.pad_id, per_position=kind.per_position, device=encoder.device)
        with encoder.autocast():
            states = compute_layer_states(encoder.model, batch)
        labels = int((batch["target"] != IGNORED).sum()) if kind.per_position else 1
        likelihood = -kind.compute_loss(head(states[-1].float(), batch), batch) * labels
        gradients = torch.autograd.grad(likelihood, [*weights.values(), *states], allow_unused=True)
        weight_gradients, state_gradients = gradients[: len(weights)], gradients[len(weights) :]
        tokens = int(batch["attention_mask"].sum())
        squares = {
            name: gradient.double().square().mean(dim=1)
            for name, gradient in zip(weights, weight_gradients, strict=True)
            if gradient is not None
        }
        for layer, gradient in enumerate(state_gradients, start=1):
            if gradient is not None:
                squares[f"layer {layer}"] = gradient.double().sum(dim=(0, 1)).square() / tokens
                if layer == len(state_gradients):
                    squares["first token"] = gradient[:, 0].double().sum(dim=0).square()
        for name, square in squares.items():
            sums[name] = sums[name] + square if name in sums else square
        beat()
    means = {name: (total / len(features)).cpu() for name, total in sums.items()}
    return {name: mean for name, mean in means.items() if mean.any()}
