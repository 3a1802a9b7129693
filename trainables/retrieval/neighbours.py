"""Nearest neighbours among unit vectors, exactly and in blocks, and the margin that makes cosines comparable."""

from dataclasses import dataclass

import torch

from trainables.worker.heartbeat import beat

BLOCK = 8_192  # vectors of either side on the device at once: their cosines take 256 MiB
MARGIN_NEIGHBOURS = 4  # neighbours that a margin is computed from (Artetxe and Schwenk 2019)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`cosines` and `indices` (vectors, neighbours) of the nearest vectors of another set, best first, on the CPU."""

    cosines: torch.Tensor
    indices: torch.Tensor


def find_neighbours(vectors: torch.Tensor, others: torch.Tensor, limit: int, device: torch.device) -> Neighbours:
    """Return the `limit` nearest of `others` for each of `vectors`, both (any, width) and of length 1.

    The memory on the device does not grow with the sets. Of equal cosines the lower index comes first; the choice among
    equals at the limit is undefined.
    """
    parts = [_search_blocks(rows.to(device), others, limit) for rows in vectors.split(BLOCK)]
    return Neighbours(torch.cat([part.cosines for part in parts]), torch.cat([part.indices for part in parts]))


def _search_blocks(rows: torch.Tensor, others: torch.Tensor, limit: int) -> Neighbours:
    cosines = torch.empty(len(rows), 0, device=rows.device)
    indices = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)
    start = 0
    for block in others.split(BLOCK):
        block_cosines, block_indices = (rows @ block.to(rows.device).T).topk(min(limit, len(block)), dim=1)
        block_indices, order = block_indices.sort(dim=1)
        cosines = torch.cat([cosines, block_cosines.gather(1, order)], dim=1)
        indices = torch.cat([indices, block_indices + start], dim=1)
        cosines, order = cosines.sort(dim=1, descending=True, stable=True)
        cosines, indices = cosines[:, :limit], indices.gather(1, order)[:, :limit]
        start += len(block)
        beat()
    return Neighbours(cosines.cpu(), indices.cpu())


def find_both_ways(vectors: torch.Tensor, others: torch.Tensor, device: torch.device) -> tuple[Neighbours, Neighbours]:
    """Return the neighbours that margins need: those of `vectors` in `others`, and those of `others` in `vectors`."""
    forward = find_neighbours(vectors, others, MARGIN_NEIGHBOURS, device)
    return forward, find_neighbours(others, vectors, MARGIN_NEIGHBOURS, device)


def compute_margins(forward: Neighbours, backward: Neighbours) -> torch.Tensor:
    """Return ratio margins (vectors, neighbours): the cosine over the mean cosine of both sides' nearest neighbours.

    `forward` holds a set's neighbours in another set, and `backward` the other set's neighbours in the first. The
    margin is low for a vector that is near to everything.
    """
    own, other = forward.cosines.mean(1), backward.cosines.mean(1)
    return forward.cosines / ((own[:, None] + other[forward.indices]) / 2)


def nearest_by_margin(forward: Neighbours, backward: Neighbours) -> torch.Tensor:
    """Return for each vector the index (vectors,) of its neighbour of the highest margin."""
    return forward.indices.gather(1, compute_margins(forward, backward).argmax(1, keepdim=True)).flatten()
