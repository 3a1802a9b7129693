"""Adversarial training: fit the examples also, or only, where a small perturbation makes the loss largest.

All methods move a perturbation of the word embeddings uphill and keep the L2 norm of each row within `radius`. The
settings `radius`, `rate` and `start` are multiples of the row's mean word norm (see perturbation.py). Each method adds
gradients to the parameters and returns the loss, detached.
"""

import torch

from trainables.methods.perturbation import (
    add_perturbation,
    draw_uniform,
    get_random_state,
    mean_word_norm,
    normalise_rows,
    project_to_ball,
    same_dropout,
)
from trainables.methods.step import TrainingStep


def plain_fine_tuning(step: TrainingStep) -> torch.Tensor:
    """Plain fine-tuning: the loss of the batch."""
    loss = step.compute_loss(step.compute_logits(step.batch, None))
    loss.backward()
    return loss.detach()


def fgm(step: TrainingStep, *, radius: float) -> torch.Tensor:
    """Fast gradient method: L(x) + L(x + radius g / |g|), where g is the gradient of L(x) (Miyato et al. 2017).

    The first backward pass gives the gradients of the parameters and of the perturbation at once.
    """
    words = step.embed_words()
    length = radius * mean_word_norm(step, words)
    perturbation = torch.zeros_like(words.detach(), requires_grad=True)
    clean = _perturbed_loss(step, words, perturbation)
    clean.backward()
    assert perturbation.grad is not None
    loss = _perturbed_loss(step, step.embed_words(), normalise_rows(perturbation.grad) * length)
    loss.backward()
    return (clean + loss).detach()


def pgd(step: TrainingStep, *, radius: float, rate: float, start: float, steps: float) -> torch.Tensor:
    """Projected gradient descent: the loss at the last of several perturbations (Madry et al. 2018).

    The first of the `steps` passes has a random perturbation. All passes but the last only move the perturbation: they
    compute no gradients of the parameters. The loss without a perturbation is not part of the objective.
    """
    words = step.embed_words()
    unit = mean_word_norm(step, words)
    state = get_random_state(step)
    perturbation = draw_uniform(step, words, start * unit)
    for _ in range(int(steps) - 1):
        perturbation.requires_grad_()
        with same_dropout(step, state):
            loss = _perturbed_loss(step, words.detach(), perturbation)
        (gradient,) = torch.autograd.grad(loss, perturbation)
        perturbation = project_to_ball(perturbation.detach() + rate * unit * normalise_rows(gradient), radius * unit)
    with same_dropout(step, state):
        loss = _perturbed_loss(step, words, perturbation)
    loss.backward()
    return loss.detach()


def freelb(step: TrainingStep, *, radius: float, rate: float, start: float, steps: float) -> torch.Tensor:
    """FreeLB: the mean of the losses at all perturbations on the way uphill (Zhu et al. 2020).

    Each backward pass gives both the gradients of the parameters and the next move. All passes drop the same units.
    """
    unit = mean_word_norm(step, step.embed_words())
    state = get_random_state(step)
    perturbation = draw_uniform(step, step.embed_words(), start * unit)
    losses = []
    for _ in range(int(steps)):
        perturbation.requires_grad_()
        with same_dropout(step, state):
            loss = _perturbed_loss(step, step.embed_words(), perturbation) / int(steps)
        loss.backward()
        losses.append(loss.detach())
        assert perturbation.grad is not None
        moved = perturbation.detach() + rate * unit * normalise_rows(perturbation.grad)
        perturbation = project_to_ball(moved, radius * unit)
    return torch.stack(losses).sum()


def _perturbed_loss(step: TrainingStep, words: torch.Tensor, perturbation: torch.Tensor) -> torch.Tensor:
    return step.compute_loss(step.compute_logits(step.batch, add_perturbation(step, words, perturbation)))
