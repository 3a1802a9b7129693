"""Gains measured against another chain than `none`, such as a control or a baseline that trains longer."""

import dataclasses

import numpy as np
import polars as pl

from analysis.scores.scores import Scores
from analysis.transfer.array import Transfer
from spaces.errors import UsageError
from spaces.table import describe_unknown


def measure_against(transfer: Transfer, chain: str) -> Transfer:
    """Return the transfer matrix with `chain` as its baseline; the former baseline becomes a chain like the others.

    It is no candidate there, and its seeds that `chain` was not to get are left out with a note. Raise UsageError for a
    chain that is neither the baseline nor an intermediate task.
    """
    known = transfer.chains[: 1 + len(transfer.intermediates)]
    if chain not in known:
        raise UsageError(f"--against: {describe_unknown('chain', chain, known)}")
    if chain == transfer.baseline:
        return transfer
    own = transfer.planned[known.index(chain)]
    others = transfer.planned[[i for i, name in enumerate(known) if name != transfer.baseline]]
    kept = own | others.any(axis=0)
    order = [known.index(chain), *(i for i, name in enumerate(transfer.chains) if name != chain)]
    seeds = tuple(np.compress(kept, transfer.seeds).tolist())
    return dataclasses.replace(
        transfer,
        loaded_scores=_move_baseline(transfer, chain, seeds),
        chains=tuple(transfer.chains[i] for i in order),
        seeds=seeds,
        scores=transfer.scores[order][..., kept],
        runs=transfer.runs.filter(pl.col("seed").is_in(seeds)),
        planned=transfer.planned[order][:, kept],
        holes={cell: hole for cell, hole in transfer.holes.items() if hole.seed in seeds},
    )


def _move_baseline(transfer: Transfer, chain: str, seeds: tuple[int, ...]) -> Scores:
    scores, former = transfer.loaded_scores, transfer.baseline
    moved = dataclasses.replace(
        scores,
        baseline=chain,
        intermediates=(former, *(name for name in scores.intermediates if name != chain)),
        controls=scores.controls | {former},
    )
    left_out = [seed for seed in transfer.seeds if seed not in seeds]
    if not left_out:
        return moved
    keep = pl.col("seed").is_in(seeds) | pl.col("seed").is_null()
    listed = ", ".join(map(str, left_out))
    return dataclasses.replace(
        moved,
        rows=scores.rows.filter(keep),
        target_rows=scores.target_rows.filter(keep),
        intermediate_rows=scores.intermediate_rows.filter(keep),
        seeds=seeds,
        unplanned_chain_seeds=frozenset(pair for pair in scores.unplanned_chain_seeds if pair[1] in seeds),
        notes=(*scores.notes, f"Left out, because only `{former}` has them: seeds {listed}."),
    )
