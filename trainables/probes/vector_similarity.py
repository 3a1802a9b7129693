"""How alike two sets of vectors are whose rows belong together: unbiased linear CKA, and cosines.

All sums are in double precision: the unbiased estimator is a small difference of large ones.
"""

import math

import torch

PERMUTATIONS = 5


def build_gram(vectors: torch.Tensor) -> torch.Tensor:
    """Inner products (rows, rows) of the centred vectors (rows, width), the diagonal set to 0, in double precision."""
    centred = vectors.double() - vectors.double().mean(0)
    return (centred @ centred.T).fill_diagonal_(0)


def unbiased_hsic(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The unbiased estimator of the Hilbert-Schmidt independence criterion (Song et al. 2012, equation 4).

    Both matrices are (rows, rows) with a diagonal of 0, and at least 4 rows. Independent rows give 0 in the mean.
    """
    rows = len(one)
    ones, others = one.sum(0), other.sum(0)
    whole = (one * other).sum() + ones.sum() * others.sum() / ((rows - 1) * (rows - 2)) - 2 / (rows - 2) * ones @ others
    return whole / (rows * (rows - 3))


def unbiased_cka(one: torch.Tensor, other: torch.Tensor) -> float | None:
    """Linear CKA of two matrices of `gram` with the unbiased criterion (Kornblith et al. 2019; Nguyen et al. 2021).

    At most about 1, and 0 in the mean where rows have nothing in common: the plain estimator rises with the width of
    the vectors. None where one side hardly varies, so that the estimate of its own criterion is not positive.
    """
    own = _normaliser(one, other)
    return None if own is None else float(unbiased_hsic(one, other) / own)


def _normaliser(one: torch.Tensor, other: torch.Tensor) -> float | None:
    """The root of the product of both sides' own criteria; None where one is not positive."""
    ours, theirs = (float(unbiased_hsic(side, side)) for side in (one, other))
    return math.sqrt(ours * theirs) if ours > 0 and theirs > 0 else None


def permuted_cka(one: torch.Tensor, other: torch.Tensor, seed: int = 0) -> float | None:
    """The zero beside `unbiased_cka`: its mean over shuffles of the rows of `other`, drawn from a seed."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.zeros_like(other)
    for _ in range(PERMUTATIONS):
        order = torch.randperm(len(other), generator=generator).to(other.device)
        mean += other[order][:, order] / PERMUTATIONS
    own = _normaliser(one, other)
    return None if own is None else float(unbiased_hsic(one, mean) / own)


def cosine_gap(one: torch.Tensor, other: torch.Tensor) -> float:
    """Mean cosine of rows that belong together less that of all other pairs, each side centred first.

    Centring takes away what tells the languages apart, and most of what all sentences share.
    """
    together, apart = _mean_cosines(*(vectors.double() - vectors.double().mean(0) for vectors in (one, other)))
    return together - apart


def random_cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    """Mean cosine of all pairs that do not belong together, as they are: near 1 where all vectors point one way."""
    return _mean_cosines(one.double(), other.double())[1]


def _mean_cosines(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float]:
    """Mean cosine of rows that belong together, and of the other pairs."""
    one, other = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (one, other))
    together, every = (one * other).sum(), one.sum(0) @ other.sum(0)
    rows = len(one)
    return float(together / rows), float((every - together) / (rows * (rows - 1)))
