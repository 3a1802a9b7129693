"""Planned cells without a score, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.plain_names import show_hidden
from analysis.scores.scores import Scores
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import BoolArray
from spaces.chain import NONE, phase_of

DECIDED = "decided"
STATUSES_BY_SEVERITY = ("failed", "degenerate", "stopped")  # the first that applies names a cell without a finished run

Cell = tuple[str, str, int]  # chain, target, seed
IntermediateStatuses = Mapping[tuple[str, int], Mapping[str, str | None]]  # intermediate, seed -> status -> reason


@dataclass(frozen=True, slots=True)
class Hole:
    """A seed that is planned for a cell and has no score, or no gain."""

    seed: int
    status: str  # stopped, degenerate, failed, decided (by a race), missing, or unpaired: its baseline is not finished
    reason: str | None = None

    @property
    def description(self) -> str:
        """The status, with its reason in brackets."""
        return f"{self.status} ({show_hidden(self.reason)})" if self.reason else self.status


def collect_statuses(rows: pl.DataFrame) -> IntermediateStatuses:
    """Return the statuses of each intermediate task's runs, with their reasons."""
    ordered = rows.sort("reason", nulls_last=True).select("intermediate", "seed", "status", "reason")
    statuses: dict[tuple[str, int], dict[str, str | None]] = {}
    for intermediate, seed, status, reason in ordered.iter_rows():
        statuses.setdefault((intermediate, seed), {}).setdefault(status, reason)
    return statuses


def find_holes(
    scores: Scores, runs: pl.DataFrame, intermediate_statuses: IntermediateStatuses, is_complete: BoolArray
) -> dict[Cell, Hole]:
    """Return every planned cell without a score, and why; `is_complete` is chains x targets x seeds."""
    chains = (NONE, *scores.intermediates)
    absent = [(chains[i], scores.targets[t], scores.seeds[s]) for i, t, s in np.argwhere(~is_complete[: len(chains)])]
    absent_cells = pl.DataFrame(absent, schema=runs.select(CELL_COLUMNS).schema, orient="row")
    scoreless = runs.join(absent_cells, on=CELL_COLUMNS, how="semi").select(*CELL_COLUMNS, "status", "reason")
    reasons: dict[Cell, dict[str, str | None]] = {}
    for intermediate, target, seed, status, reason in scoreless.iter_rows():
        by_status = reasons.setdefault((intermediate, target, seed), {})
        by_status[status] = by_status.get(status) or reason

    def build_hole(cell: Cell) -> Hole:
        intermediate, _, seed = cell
        by_status = reasons.get(cell, {})
        if "finished" in by_status:
            return Hole(seed, "missing", "finished without a score")
        for status in STATUSES_BY_SEVERITY:
            if status in by_status:
                return Hole(seed, status, by_status[status])
        if (intermediate, seed) in scores.skipped_chain_seeds:
            return Hole(seed, DECIDED)
        parents = intermediate_statuses.get((phase_of(intermediate), seed), {})
        if parents and "finished" not in parents:
            return Hole(seed, "missing", f"its intermediate run: {' and '.join(sorted(parents))}")
        return Hole(seed, "missing")

    return {cell: build_hole(cell) for cell in absent}
