"""The best task against a baseline that was tuned as often.

A chain is the best of R learning rates in its phase and of R on the target: 2R runs. `none` is the best of R. Where
`none` has twice the seeds of the others, its seeds are paired (0 with 3, 1 with 4, 2 with 5), and of each pair the run
with the better English dev counts on each target, as it would among learning rates. So `none` is the best of 2R, too.

A pair and a chain share the number of the pair's first seed and little else. Errors are Student's t on the differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.choose import select_winners
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.chain import NONE

SeedPair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedTuning:
    """Gains over the baseline tuned as often."""

    pairs: tuple[SeedPair, ...]
    gains: Mapping[str, tuple[str, Array]]  # mean -> its best task, and the task's gain in points by pair


def has_several_rates(transfer: Transfer) -> bool:
    """Return True if any cell had several learning rates to choose from: else nothing was tuned.

    Targets may have rates of their own, one each, as in a recipe.
    """
    rates = transfer.runs.drop_nulls("learning_rate").group_by(CELL_COLUMNS).agg(pl.col("learning_rate").n_unique())
    return bool((rates["learning_rate"] > 1).any())


def pair_seeds(transfer: Transfer) -> tuple[SeedPair, ...]:
    """Return each common seed with a further seed of the baseline; empty if it has too few of them."""
    common = [seed for seed, is_common in zip(transfer.seeds, transfer.common_seeds, strict=True) if is_common]
    planned = transfer.planned[0]
    further = [seed for s, seed in enumerate(transfer.seeds) if planned[s] and seed not in common]
    return tuple(zip(common, further, strict=False)) if len(further) >= len(common) else ()


def compare_matched_tuning(
    transfer: Transfer, columns: Sequence[TransferColumn], best: Mapping[str, str | None]
) -> MatchedTuning | None:
    """Return the gains of the best task by each mean over targets; None without enough seeds or learning rates.

    `best` is the best task by the name of a mean. Gains against another chain than `none` have none either.
    """
    pairs = pair_seeds(transfer)
    if transfer.baseline != NONE or not pairs or not has_several_rates(transfer):
        return None
    baseline = choose_in_pairs(transfer, pairs)
    first = [transfer.seeds.index(seed) for seed, _ in pairs]
    gains = {}
    for column in columns:
        if (task := best.get(column.name)) is not None:
            scores = transfer.scores[transfer.chains.index(task)][..., first]
            gains[column.name] = task, compute_column(transfer, column, (scores - baseline)[None]).values[0]
    return MatchedTuning(pairs=pairs, gains=gains)


def choose_in_pairs(transfer: Transfer, pairs: Sequence[SeedPair]) -> Array:
    """Return the baseline's scores, targets x languages x pairs: of each pair the run with the better English dev.

    A run without a score loses. Without English dev (nothing is trained there), and where both are equal, the first
    seed counts.
    """
    runs = select_winners(transfer.runs).filter(pl.col("intermediate") == transfer.baseline).drop_nulls("dev")
    dev = {(target, seed): value for target, seed, value in runs.select("target", "seed", "dev").iter_rows()}
    chosen = np.empty((*transfer.scores.shape[1:3], len(pairs)))
    for t, target in enumerate(transfer.targets):
        for p, (first, second) in enumerate(pairs):
            scores = [transfer.scores[0, t, :, transfer.seeds.index(seed)] for seed in (first, second)]
            rank = [
                (bool(np.isfinite(own).any()), dev.get((target, seed), -np.inf))
                for own, seed in zip(scores, (first, second), strict=True)
            ]
            chosen[t, :, p] = scores[rank[1] > rank[0]]
    return chosen
