"""Other baselines in the same scores: the baseline trained longer (`none~xN`), and the sham.

Each is a chain of the table. What the best task gains over it is what `--against` shows: the same gains and errors.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics.gain_errors import ErrorKind
from analysis.statistics.moments import Array
from analysis.transfer.against import measure_against
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table
from analysis.transfer.item_level import ItemLevel
from analysis.transfer.uncertainty import Uncertainty, build_uncertainty
from spaces.chain import NONE, parse_chain, target_multiplier_of
from spaces.errors import UsageError

SHAM = "sham"  # a control of equal steps that teaches no task: masked words of the same texts


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineComparison:
    """Another baseline: its own gain over `none`, and the gain of the best task over it, by one mean over targets."""

    name: str
    own: Estimate
    best: str
    gain: Estimate  # of `best`, against `name`

    @property
    def multiplier(self) -> int:
        """How many times the steps of `none` its targets are trained."""
        return target_multiplier_of(self.name)


def is_sham(name: str) -> bool:
    """Return True for a chain whose phase is the sham, by whatever method or steps. Accepts any text."""
    try:
        return parse_chain(name).tasks == (SHAM,)
    except UsageError:
        return False


def compare_baselines(
    transfer: Transfer,
    uncertainty: Uncertainty,
    gains: Mapping[EstimateKey, Estimate],
    column: TransferColumn,
    best: str | None,
) -> tuple[BaselineComparison, ...]:
    """Return the comparisons with the baselines that train longer and the shams, in the order of the table.

    There is none without a best task, or where gains are measured against another chain than `none`.
    """
    if best is None or transfer.baseline != NONE:
        return ()
    others = [
        name for name in transfer.intermediates if name in transfer.loaded_scores.other_baselines or is_sham(name)
    ]
    return tuple(
        BaselineComparison(
            name=name,
            own=gains[name, column.name],
            best=best,
            gain=_estimate_against(transfer, uncertainty, column, name, best),
        )
        for name in others
        if name != best and gains[name, column.name].mean is not None
    )


def _estimate_against(
    transfer: Transfer, uncertainty: Uncertainty, column: TransferColumn, name: str, best: str
) -> Estimate:
    """Return the gain of `best` over another chain, as a ranking against that chain estimates it."""
    moved = measure_against(transfer, name)
    kind: ErrorKind | None = "plain" if uncertainty.kind == "plain" else None
    model = build_uncertainty(moved, ItemLevel(), (column,), kind, uncertainty.rng, uncertainty.draw_count)
    if uncertainty.item_covariances:
        covariance = _move_covariance(transfer, moved, uncertainty.compute_item_covariance(column))
        model = dataclasses.replace(model, item_covariances={column: covariance})
    table = estimate_table(moved, moved.gains, moved.intermediates, [column], {}, model, wanted={best})
    return table[best, column.name]


def _move_covariance(transfer: Transfer, moved: Transfer, covariance: Array) -> Array:
    """Return the covariance over items of gains over the new baseline: each is a difference of two former gains."""
    rows = {name: i for i, name in enumerate(transfer.intermediates)}
    differences = np.zeros((len(moved.intermediates), len(rows)))
    differences[:, rows[moved.baseline]] = -1.0
    for i, name in enumerate(moved.intermediates):
        if name in rows:  # the former baseline gains 0 over itself
            differences[i, rows[name]] += 1.0
    return np.asarray(differences @ covariance @ differences.T)
