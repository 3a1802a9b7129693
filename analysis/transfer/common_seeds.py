"""The part of a transfer matrix in which every chain has the same seeds.

A sweep may give its baseline and single chains more seeds. A ranking uses them all. Questions that compare chains seed
by seed, such as how often English dev chose the best of them, would have another set of chains at those seeds.
"""

import dataclasses

import numpy as np
import polars as pl

from analysis.scores.scores import Scores
from analysis.statistics.moments import BoolArray
from analysis.transfer.array import Transfer


def keep_common_seeds(transfer: Transfer) -> Transfer:
    """Return the transfer matrix at the seeds that every chain was to get, with a note on the others."""
    common = transfer.common_seeds
    if common.all():
        return transfer
    seeds = tuple(np.compress(common, transfer.seeds).tolist())
    left_out = ", ".join(str(seed) for seed in transfer.seeds if seed not in seeds)
    extended = ", ".join(transfer.loaded_scores.chains_with_more_seeds)
    return keep_seeds(transfer, common, f"Left out, because only {extended} have them: seeds {left_out}.")


def keep_seeds(transfer: Transfer, kept: BoolArray, note: str) -> Transfer:
    """Return the transfer matrix at the seeds of a mask, with a note for readers."""
    seeds = tuple(np.compress(kept, transfer.seeds).tolist())
    return dataclasses.replace(
        transfer,
        loaded_scores=_filter_scores(transfer.loaded_scores, seeds, note),
        seeds=seeds,
        scores=transfer.scores[..., kept],
        runs=transfer.runs.filter(pl.col("seed").is_in(seeds)),
        planned=transfer.planned[:, kept],
        holes={cell: hole for cell, hole in transfer.holes.items() if hole.seed in seeds},
    )


def _filter_scores(scores: Scores, seeds: tuple[int, ...], note: str) -> Scores:
    keep = pl.col("seed").is_in(seeds) | pl.col("seed").is_null()
    return dataclasses.replace(
        scores,
        rows=scores.rows.filter(keep),
        target_rows=scores.target_rows.filter(keep),
        intermediate_rows=scores.intermediate_rows.filter(keep),
        seeds=seeds,
        unplanned_chain_seeds=frozenset(pair for pair in scores.unplanned_chain_seeds if pair[1] in seeds),
        notes=(*scores.notes, note),
    )
