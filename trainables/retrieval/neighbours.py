"""Nearest neighbours among unit vectors, exactly and in blocks, and the margin that makes cosines comparable."""

from dataclasses import dataclass

import torch

from trainables.worker.heartbeat import beat

BLOCK = 8_192  # vectors on the device at once, of either side: their cosines take 256 MiB
MARGIN_NEIGHBOURS = 4  # neighbours that make a margin (Artetxe and Schwenk 2019)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`cosines` and `indices` (vectors, neighbours) of the nearest vectors of another set, best first, on the CPU."""

    cosines: torch.Tensor
    indices: torch.Tensor


def find_neighbours(vectors: torch.Tensor, others: torch.Tensor, most: int, device: torch.device) -> Neighbours:
    """The `most` nearest of `others` for each of `vectors`; both (any, width), of length 1.

    The memory on the device does not grow with the sets. Of equal cosines the lower index comes first; which of them
    is the last that still fits is left open.
    """
    parts = [_search_blocks(rows.to(device), others, most) for rows in vectors.split(BLOCK)]
    return Neighbours(torch.cat([part.cosines for part in parts]), torch.cat([part.indices for part in parts]))


def _search_blocks(rows: torch.Tensor, others: torch.Tensor, most: int) -> Neighbours:
    cosines = torch.empty(len(rows), 0, device=rows.device)
    indices = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)
    start = 0
    for block in others.split(BLOCK):
        values, places = (rows @ block.to(rows.device).T).topk(min(most, len(block)), dim=1)
        places, order = places.sort(dim=1)
        cosines = torch.cat([cosines, values.gather(1, order)], dim=1)
        indices = torch.cat([indices, places + start], dim=1)
        cosines, order = cosines.sort(dim=1, descending=True, stable=True)
        cosines, indices = cosines[:, :most], indices.gather(1, order)[:, :most]
        start += len(block)
        beat()
    return Neighbours(cosines.cpu(), indices.cpu())


def compute_margins(of: Neighbours, back: Neighbours) -> torch.Tensor:
    """Ratio margins (vectors, neighbours): the cosine over the mean cosine of both sides' nearest neighbours.

    `back` holds the neighbours of the other set in this one. A vector that is near to everything loses by it.
    """
    own, other = of.cosines.mean(1), back.cosines.mean(1)
    return of.cosines / ((own[:, None] + other[of.indices]) / 2)
