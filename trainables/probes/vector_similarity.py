"""Similarity of two sets of vectors whose rows belong together: unbiased linear CKA, and cosines.

All sums are in double precision: the unbiased estimator is a small difference of large numbers.
"""

import math

import torch

PERMUTATIONS = 5


def build_gram(vectors: torch.Tensor) -> torch.Tensor:
    """Return inner products (rows, rows) of the centred vectors (rows, width), the diagonal set to 0, in 64 bits."""
    centred = vectors.double() - vectors.double().mean(0)
    return (centred @ centred.T).fill_diagonal_(0)


def unbiased_hsic(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the unbiased estimator of the Hilbert-Schmidt independence criterion (Song et al. 2012, equation 4).

    Both matrices are (rows, rows) with a diagonal of 0, and at least 4 rows. Its expectation for independent rows is 0.
    """
    rows = len(first)
    sums, other_sums = first.sum(0), second.sum(0)
    products = (first * second).sum()
    whole = products + sums.sum() * other_sums.sum() / ((rows - 1) * (rows - 2)) - 2 / (rows - 2) * sums @ other_sums
    return whole / (rows * (rows - 3))


def unbiased_cka(first: torch.Tensor, second: torch.Tensor) -> float | None:
    """Return linear CKA of two matrices of `build_gram` with the unbiased criterion.

    Sources: Kornblith et al. 2019; Nguyen et al. 2021. It is at most about 1, and 0 in the mean where rows have nothing
    in common, while the biased estimator rises with the width of the vectors. None where one side hardly varies, so
    that the estimate of its own criterion is not positive.
    """
    norm = _normaliser(first, second)
    return None if norm is None else float(unbiased_hsic(first, second) / norm)


def _normaliser(first: torch.Tensor, second: torch.Tensor) -> float | None:
    """Return the root of the product of both sides' own criteria; None where one is not positive."""
    own, other = (float(unbiased_hsic(side, side)) for side in (first, second))
    return math.sqrt(own * other) if own > 0 and other > 0 else None


def permuted_cka(first: torch.Tensor, second: torch.Tensor, seed: int = 0) -> float | None:
    """Return the mean of `unbiased_cka` over shuffles of the rows of `second`, drawn from a seed: its null value."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.zeros_like(second)
    for _ in range(PERMUTATIONS):
        order = torch.randperm(len(second), generator=generator).to(second.device)
        mean += second[order][:, order] / PERMUTATIONS
    norm = _normaliser(first, second)
    return None if norm is None else float(unbiased_hsic(first, mean) / norm)


def cosine_gap(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return the mean cosine of rows that belong together minus that of all other pairs, each side centred first.

    Centring removes the difference between the languages, and most of what all sentences have in common.
    """
    matched, others = _mean_cosines(*(vectors.double() - vectors.double().mean(0) for vectors in (first, second)))
    return matched - others


def random_cosine(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return the mean cosine of all pairs that do not belong together, not centred: near 1 for anisotropic vectors."""
    return _mean_cosines(first.double(), second.double())[1]


def _mean_cosines(first: torch.Tensor, second: torch.Tensor) -> tuple[float, float]:
    """Return the mean cosine of rows that belong together, and of the other pairs."""
    first, second = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (first, second))
    matched, total = (first * second).sum(), first.sum(0) @ second.sum(0)
    rows = len(first)
    return float(matched / rows), float((total - matched) / (rows * (rows - 1)))
