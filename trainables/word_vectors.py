"""Word vectors in closed form from aligned text: words that occur in the same units get like vectors.

The matrix of sub-tokens x aligned units (a verse, a sentence, in all its languages) holds positive pointwise mutual
information; its leading singular vectors are the word vectors (Levy, Søgaard and Goldberg 2017). No gradient, no
dictionary.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

RMS = 0.04  # size of a component, near that of freshly initialised embeddings
POWER_ITERATIONS = 2
OVERSAMPLING = 20

Floats = NDArray[np.float32]


def word_vectors(units: Sequence[Sequence[int]], vocabulary: int, width: int, seed: int) -> Floats:
    """(vocabulary, width) from the token ids of each unit. Tokens that never occur get random vectors of equal size."""
    rng = np.random.default_rng(seed)
    vectors = _left_vectors(ppmi(units, vocabulary), width, rng)
    random = rng.standard_normal(vectors.shape).astype(np.float32)
    vectors = np.where((vectors**2).sum(1, keepdims=True) > 0, vectors, random)
    scaled: Floats = (vectors / np.sqrt((vectors**2).mean(1, keepdims=True)) * RMS).astype(np.float32)
    return scaled


def ppmi(units: Sequence[Sequence[int]], vocabulary: int) -> scipy.sparse.csr_array:
    """Positive pointwise mutual information of tokens (rows) and units (columns)."""
    lengths = [len(unit) for unit in units]
    columns = np.repeat(np.arange(len(units)), lengths)
    rows = np.concatenate([np.asarray(unit, dtype=np.int64) for unit in units])
    counts = scipy.sparse.coo_array(
        (np.ones(len(rows), dtype=np.float64), (rows, columns)), shape=(vocabulary, len(units))
    ).tocsr()
    counts.sum_duplicates()
    tokens, in_unit = counts.sum(1), counts.sum(0)
    entries = counts.tocoo()
    expected = tokens[entries.row] * in_unit[entries.col] / counts.sum()
    values = np.maximum(np.log(entries.data / expected), 0).astype(np.float32)
    return scipy.sparse.coo_array((values, (entries.row, entries.col)), shape=counts.shape).tocsr()


def _left_vectors(matrix: scipy.sparse.csr_array, width: int, rng: np.random.Generator) -> Floats:
    """Leading left singular vectors, by a randomised method.

    They are not scaled by their singular values: 300 held-out verses in 13 languages found their English counterpart
    by the mean of their vectors in .50 of all cases so, and in .36 with the square roots of the values.
    """
    rank = min(width + OVERSAMPLING, *matrix.shape)
    transposed = matrix.T.tocsr()
    basis = matrix @ rng.standard_normal((matrix.shape[1], rank)).astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        basis = np.linalg.qr(matrix @ np.linalg.qr(transposed @ np.linalg.qr(basis)[0])[0])[0]
    small = (transposed @ basis).T
    left, values, _ = np.linalg.svd(small, full_matrices=False)
    vectors = np.zeros((matrix.shape[0], width), dtype=np.float32)
    kept = int((values[:width] > 1e-6 * values[0]).sum())
    vectors[:, :kept] = basis @ left[:, :kept]
    return vectors
