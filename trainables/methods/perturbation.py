"""Perturbations of word embeddings: their size, their direction, and the tokens that they change.

A perturbation is added to the word embeddings alone, before positions and before the first normalisation. It changes
ordinary tokens only: padding is not read, and special tokens are not words, so they have no synonyms nearby. Lengths
are those of a row: a sentence, a pair, or one of several options (as in Zhu et al. 2020).

The size of embeddings differs between encoders, so every length in the settings is relative: to the mean L2 norm of the
row's word embeddings (`mean_word_norm`), or to their mean size per dimension (`mean_component_size`). Each row is
measured by itself, so the size of the micro-batch does not matter. Everything is in 32 bits, whatever the precision of
the matrix products.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from trainables.methods.step import TrainingStep


def add_perturbation(step: TrainingStep, words: torch.Tensor, perturbation: torch.Tensor) -> torch.Tensor:
    """Return word embeddings with a perturbation on ordinary tokens. The gradient at other tokens is zero."""
    return words + perturbation * step.word_mask.unsqueeze(-1)


def mean_word_norm(step: TrainingStep, words: torch.Tensor) -> torch.Tensor:
    """Return the mean L2 norm of each row's ordinary word embeddings, (rows, 1, 1); 0 for a row without any."""
    lengths: torch.Tensor = words.detach().norm(dim=-1) * step.word_mask
    means = lengths.sum(1) / _count_words(step)
    return means[:, None, None]


def mean_component_size(step: TrainingStep, words: torch.Tensor) -> torch.Tensor:
    """Return the mean norm spread evenly over the dimensions, (rows, 1, 1)."""
    return mean_word_norm(step, words) / math.sqrt(words.shape[-1])


def draw_uniform(step: TrainingStep, words: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Return a random perturbation as in FreeLB: uniform in (-1, 1), scaled by length / sqrt(ordinary tokens * width).

    Its expected L2 norm is length / sqrt(3). `length` is (rows, 1, 1).
    """
    draw = torch.rand_like(words.detach()) * 2 - 1
    components = _count_words(step)[:, None, None] * words.shape[-1]
    return draw * step.word_mask.unsqueeze(-1) * length / components.sqrt()


def norm_of_rows(values: torch.Tensor) -> torch.Tensor:
    """Return the L2 norm of each row of (rows, length, width), as (rows, 1, 1)."""
    lengths: torch.Tensor = values.flatten(1).norm(dim=1)
    return lengths[:, None, None]


def normalise_rows(gradient: torch.Tensor) -> torch.Tensor:
    """Return the gradient scaled to an L2 norm of 1 in each row; zero stays zero."""
    return gradient / norm_of_rows(gradient).clamp(min=torch.finfo(gradient.dtype).tiny)


def project_to_ball(perturbation: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Return the nearest perturbation whose rows have L2 norms of at most the radius (rows, 1, 1)."""
    lengths = norm_of_rows(perturbation).clamp(min=torch.finfo(perturbation.dtype).tiny)
    return perturbation * (radius / lengths).clamp(max=1)


def _count_words(step: TrainingStep) -> torch.Tensor:
    return step.word_mask.sum(1).clamp(min=1)


def get_random_state(step: TrainingStep) -> torch.Tensor:
    """Return the state of the random generator that dropout uses."""
    return torch.cuda.get_rng_state(step.device) if step.device.type == "cuda" else torch.get_rng_state()


@contextmanager
def same_dropout(step: TrainingStep, state: torch.Tensor) -> Iterator[None]:
    """Repeat the dropout of the pass that began at `state` in all passes within; then restore the generator."""
    is_cuda = step.device.type == "cuda"
    with torch.random.fork_rng(devices=[step.device] if is_cuda else []):
        if is_cuda:
            torch.cuda.set_rng_state(state, step.device)
        else:
            torch.set_rng_state(state)
        yield
