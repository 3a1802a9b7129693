"""Training for agreement: predictions must not change under a small perturbation, whatever the label.

The penalty is the symmetric Kullback-Leibler divergence between the predictions of two passes. It is a mean over
everything that the task's loss is a mean over: labels (pair, choice), the tags of words, starts and ends of answers,
masked words.

Both passes drop the same units, so that the penalty is for the perturbation alone. In the released code of both papers
they drop different units. With a published noise of 1e-5, nearly all of the penalty is then for the effect of dropout
(as in R-Drop, Liang et al. 2021). `noise`, `rate` and `radius` are multiples of the mean size of a component of the
row's word embeddings (see perturbation.py).
"""

import torch

from trainables.methods.perturbation import add_perturbation, get_random_state, mean_component_size, same_dropout
from trainables.methods.step import TrainingStep


def divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return KL(p, q) + KL(q, p) of two sets of logits (distributions, outcomes), as the mean over the distributions.

    It is the sum of (p - q) (log p - log q), of which no term is negative.
    """
    log_p, log_q = first.log_softmax(-1), second.log_softmax(-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1).mean()


def smart(step: TrainingStep, *, noise: float, rate: float, radius: float, weight: float, steps: float) -> torch.Tensor:
    """SMART's smoothness: L(x) + weight * divergence(f(x), f(x + d)), d the worst within a cube (Jiang et al. 2020).

    d begins as normal noise and makes `steps` moves of rate g / max|g|, with no component beyond `radius`: the paper's
    algorithm. The released code instead scales the last d to a largest component of 1 in each token, and stops the
    gradients of the probabilities that weight the logarithms. Like its code for language models, this method omits the
    other part of the paper, the Bregman proximal term against a running mean of the weights.
    """
    state = get_random_state(step)
    clean = step.compute_logits(step.batch, None)
    reference = step.kind.flatten_logits(clean, step.batch).detach()
    words = step.embed_words()
    unit = mean_component_size(step, words)
    perturbation = noise * unit * torch.randn_like(words.detach())
    for _ in range(int(steps)):
        perturbation.requires_grad_()
        logits = _run_perturbed(step, words.detach(), perturbation, state)
        (gradient,) = torch.autograd.grad(divergence(logits, reference), perturbation)
        largest = gradient.abs().amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(gradient.dtype).tiny)
        moved = perturbation.detach() + rate * unit * gradient / largest
        perturbation = moved.clamp(min=-radius * unit, max=radius * unit)
    return _train_penalised(step, clean, _run_perturbed(step, words, perturbation, state), weight)


def r3f(step: TrainingStep, *, noise: float, weight: float) -> torch.Tensor:
    """R3F: L(x) + weight * divergence(f(x), f(x + z)), z uniform in (-noise, noise) (Aghajanyan et al. 2021).

    As in the released code, the noisy pass does not train the table of word embeddings.
    """
    state = get_random_state(step)
    clean = step.compute_logits(step.batch, None)
    words = step.embed_words().detach()
    perturbation = noise * mean_component_size(step, words) * (torch.rand_like(words) * 2 - 1)
    return _train_penalised(step, clean, _run_perturbed(step, words, perturbation, state), weight)


def _run_perturbed(
    step: TrainingStep, words: torch.Tensor, perturbation: torch.Tensor, state: torch.Tensor
) -> torch.Tensor:
    """Return the flattened logits of perturbed words, with the dropout of the pass that began at `state`."""
    with same_dropout(step, state):
        logits = step.compute_logits(step.batch, add_perturbation(step, words, perturbation))
    return step.kind.flatten_logits(logits, step.batch)


def _train_penalised(step: TrainingStep, clean: torch.Tensor, perturbed: torch.Tensor, weight: float) -> torch.Tensor:
    """Add the gradients of the clean pass's loss with a penalty for the divergence of the perturbed pass."""
    penalty = divergence(step.kind.flatten_logits(clean, step.batch), perturbed)
    loss = step.compute_loss(clean) + weight * penalty * step.share
    loss.backward()
    return loss.detach()
