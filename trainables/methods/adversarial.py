"""Adversarial training: fit the examples also, or only, where a small perturbation makes the loss largest.

All of them move a perturbation of the word embeddings uphill and keep each row's L2 norm within `radius`, which is, as
`rate` and `start` are, a multiple of the row's mean word norm (see perturbation.py).
"""

import torch

from trainables.methods.perturbation import added, direction, into_ball, norm, random_state, same_dropout, uniform
from trainables.methods.step import Step


def plain(step: Step) -> torch.Tensor:
    """Fine-tuning as it is: the loss of the batch."""
    loss = step.loss(step.logits(step.batch, None))
    loss.backward()
    return loss.detach()


def fgm(step: Step, *, radius: float) -> torch.Tensor:
    """The fast gradient method: L(x) + L(x + radius g / |g|), g the gradient of L(x) (Miyato et al. 2017).

    The first backward pass gives the gradient of the parameters and of the perturbation at once.
    """
    words = step.words()
    length = radius * norm(step, words)
    perturbation = torch.zeros_like(words.detach(), requires_grad=True)
    clean = step.loss(step.logits(step.batch, added(step, words, perturbation)))
    clean.backward()
    assert perturbation.grad is not None
    worst = direction(perturbation.grad) * length
    loss = step.loss(step.logits(step.batch, added(step, step.words(), worst)))
    loss.backward()
    return (clean + loss).detach()


def pgd(step: Step, *, radius: float, rate: float, start: float, steps: float) -> torch.Tensor:
    """Projected gradient descent: the loss at the last of several perturbations (Madry et al. 2018).

    Of `steps` passes all but the last only move the perturbation, at random to begin with: the gradients of the
    parameters are not computed there, and those of the examples as they are nowhere.
    """
    words = step.words()
    unit = norm(step, words)
    state = random_state(step)
    perturbation = uniform(step, words, start * unit)
    for _ in range(int(steps) - 1):
        perturbation.requires_grad_()
        with same_dropout(step, state):
            loss = step.loss(step.logits(step.batch, added(step, words.detach(), perturbation)))
        (gradient,) = torch.autograd.grad(loss, perturbation)
        perturbation = into_ball(perturbation.detach() + rate * unit * direction(gradient), radius * unit)
    with same_dropout(step, state):
        loss = step.loss(step.logits(step.batch, added(step, words, perturbation)))
    loss.backward()
    return loss.detach()


def freelb(step: Step, *, radius: float, rate: float, start: float, steps: float) -> torch.Tensor:
    """FreeLB: the mean of the losses at all perturbations on the way uphill (Zhu et al. 2020).

    Each backward pass gives both the gradient of the parameters and the next move. All passes drop the same units.
    """
    unit = norm(step, step.words())
    state = random_state(step)
    perturbation = uniform(step, step.words(), start * unit)
    losses = []
    for _ in range(int(steps)):
        perturbation.requires_grad_()
        with same_dropout(step, state):
            loss = step.loss(step.logits(step.batch, added(step, step.words(), perturbation))) / int(steps)
        loss.backward()
        losses.append(loss.detach())
        assert perturbation.grad is not None
        moved = perturbation.detach() + rate * unit * direction(perturbation.grad)
        perturbation = into_ball(moved, radius * unit)
    return torch.stack(losses).sum()
