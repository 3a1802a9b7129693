"""Nearest neighbours among unit vectors, exactly and in blocks, and the margin that makes cosines comparable."""

from dataclasses import dataclass
from functools import partial

import torch

from trainables.worker.heartbeat import beat
from trainables.worker.memory import try_within_memory

BLOCK = 8_192  # vectors of either side on the device at once: their cosines take 256 MiB
MARGIN_NEIGHBOURS = 4  # neighbours that a margin is computed from (Artetxe and Schwenk 2019)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`cosines` and `indices` (vectors, neighbours) of the nearest vectors of another set, best first, on the CPU."""

    cosines: torch.Tensor
    indices: torch.Tensor


def find_neighbours(vectors: torch.Tensor, others: torch.Tensor, limit: int, device: torch.device) -> Neighbours:
    """Return the `limit` nearest of `others` for each of `vectors`, both (any, width) and of length 1.

    On the device lie `others`, where they fit, and some blocks. Of equal cosines the lower index comes first; the
    choice among equals at the limit is undefined.
    """
    return _search_where_it_fits(vectors, others, limit, device, both_ways=False)[0]


def find_both_ways(vectors: torch.Tensor, others: torch.Tensor, device: torch.device) -> tuple[Neighbours, Neighbours]:
    """Return the neighbours that margins need: those of `vectors` in `others`, and those of `others` in `vectors`."""
    forward, backward = _search_where_it_fits(vectors, others, MARGIN_NEIGHBOURS, device, both_ways=True)
    return forward, backward


def _search_where_it_fits(
    vectors: torch.Tensor, others: torch.Tensor, limit: int, device: torch.device, *, both_ways: bool
) -> list[Neighbours]:
    """Return the neighbours of `vectors`, and with `both_ways` those of `others`, too."""
    search = partial(_search, vectors, limit=limit, device=device, both_ways=both_ways)
    held = try_within_memory(lambda: search(others.to(device)), reraise=device.type == "cpu")
    return held or search(others)  # else block by block to the device


def _search(
    vectors: torch.Tensor, others: torch.Tensor, *, limit: int, device: torch.device, both_ways: bool
) -> list[Neighbours]:
    """Compute each cosine once, for both ways: in 32 bits, since among near ones bf16 would change the order.

    Ties and margins are then the same from either side.
    """
    blocks, found = others.split(BLOCK), list[Neighbours]()
    backward = [_no_neighbours(len(block), device) for block in blocks]
    for number, part in enumerate(vectors.split(BLOCK)):
        rows = part.to(device)
        forward = _no_neighbours(len(rows), device)
        for other_number, block in enumerate(blocks):
            cosines = rows @ block.to(device).T
            forward = _merge(forward, cosines, other_number * BLOCK, limit)
            if both_ways:
                backward[other_number] = _merge(backward[other_number], cosines.T.contiguous(), number * BLOCK, limit)
            beat()
        found.append(forward)
    return [_join(found), _join(backward)] if both_ways else [_join(found)]


def _no_neighbours(rows: int, device: torch.device) -> Neighbours:
    return Neighbours(torch.empty(rows, 0, device=device), torch.empty(rows, 0, dtype=torch.int64, device=device))


def _merge(best: Neighbours, cosines: torch.Tensor, start: int, limit: int) -> Neighbours:
    """Return the best neighbours of rows so far, and those of a block that begins at index `start`."""
    block_cosines, block_indices = cosines.topk(min(limit, cosines.shape[1]), dim=1)
    block_indices, order = block_indices.sort(dim=1)
    cosines = torch.cat([best.cosines, block_cosines.gather(1, order)], dim=1)
    indices = torch.cat([best.indices, block_indices + start], dim=1)
    cosines, order = cosines.sort(dim=1, descending=True, stable=True)
    return Neighbours(cosines[:, :limit], indices.gather(1, order)[:, :limit])


def _join(parts: list[Neighbours]) -> Neighbours:
    """Return the neighbours of all rows, on the CPU."""
    cosines, indices = (torch.cat([getattr(part, name) for part in parts]).cpu() for name in ("cosines", "indices"))
    return Neighbours(cosines, indices)


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
