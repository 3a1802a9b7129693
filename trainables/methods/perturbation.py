"""Perturbations of word embeddings: how large, in which direction, on which tokens.

A perturbation is added to the word embeddings alone, before positions and before the first normalisation, and on
ordinary tokens alone: padding is not read, and special tokens are no words, so no synonym is near them. Lengths are
those of a row: of a sentence, a pair, or one of several options (Zhu et al. 2020 measure the same).

Embeddings of different encoders are of different size, so every length in the settings is relative: to the mean L2 norm
of the row's word embeddings (`norm`), or to their mean size per dimension (`component`). As a row is measured by
itself, the micro-batch has no part in it. All of it is in 32 bits, whatever the precision of the matrix products.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from trainables.methods.step import TrainingStep


def add_perturbation(step: TrainingStep, words: torch.Tensor, perturbation: torch.Tensor) -> torch.Tensor:
    """Word embeddings with a perturbation on ordinary tokens; so its gradient is zero everywhere else."""
    return words + perturbation * step.word_mask.unsqueeze(-1)


def mean_word_norm(step: TrainingStep, words: torch.Tensor) -> torch.Tensor:
    """The mean L2 norm of each row's ordinary word embeddings, (rows, 1, 1); 0 where a row has none."""
    lengths: torch.Tensor = words.detach().norm(dim=-1) * step.word_mask
    means = lengths.sum(1) / _count_words(step)
    return means[:, None, None]


def mean_component_size(step: TrainingStep, words: torch.Tensor) -> torch.Tensor:
    """The mean norm spread evenly over the dimensions, (rows, 1, 1)."""
    return mean_word_norm(step, words) / math.sqrt(words.shape[-1])


def draw_uniform(step: TrainingStep, words: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """A random start as in FreeLB: uniform in (-1, 1), scaled by length / sqrt(ordinary tokens * width).

    Its expected L2 norm is length / sqrt(3). `length` is (rows, 1, 1).
    """
    draw = torch.rand_like(words.detach()) * 2 - 1
    places = _count_words(step)[:, None, None] * words.shape[-1]
    return draw * step.word_mask.unsqueeze(-1) * length / places.sqrt()


def norm_of_rows(values: torch.Tensor) -> torch.Tensor:
    """The L2 norm of each row of (rows, length, width), as (rows, 1, 1)."""
    lengths: torch.Tensor = values.flatten(1).norm(dim=1)
    return lengths[:, None, None]


def normalise_rows(gradient: torch.Tensor) -> torch.Tensor:
    """The gradient at L2 norm 1 in each row; zero stays zero."""
    return gradient / norm_of_rows(gradient).clamp(min=torch.finfo(gradient.dtype).tiny)


def project_to_ball(perturbation: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """The nearest perturbation whose rows have L2 norms of at most the radius (rows, 1, 1)."""
    lengths = norm_of_rows(perturbation).clamp(min=torch.finfo(perturbation.dtype).tiny)
    return perturbation * (radius / lengths).clamp(max=1)


def _count_words(step: TrainingStep) -> torch.Tensor:
    return step.word_mask.sum(1).clamp(min=1)


def get_random_state(step: TrainingStep) -> torch.Tensor:
    """Where the generator stands that dropout draws from."""
    return torch.cuda.get_rng_state(step.device) if step.device.type == "cuda" else torch.get_rng_state()


@contextmanager
def same_dropout(step: TrainingStep, state: torch.Tensor) -> Iterator[None]:
    """Passes within drop what the pass dropped that began at `state`; afterwards draws go on as if nothing was."""
    cuda = step.device.type == "cuda"
    with torch.random.fork_rng(devices=[step.device] if cuda else []):
        if cuda:
            torch.cuda.set_rng_state(state, step.device)
        else:
            torch.set_rng_state(state)
        yield
