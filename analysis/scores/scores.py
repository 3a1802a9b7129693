"""The scores that were loaded, before any run is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from spaces.chain import NONE, RANDOM_ENCODER, is_baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Loaded score rows. Names are in the order in which they are shown.

    Every combination of `baseline` and `intermediates` with `targets` and `seeds` is expected, but for those in
    `unplanned_chain_seeds`; one without rows is missing. Only a sweep plans: a file tells no plan, so a seed that any
    of its chains has is expected of all. `intermediates` holds neither the baseline nor floors and
    ceilings.

    `rows` is every row in the columns of `tidy.SCHEMA`. It may still lie in files: collect only the columns that a
    question needs, while the files exist. `target_rows` and `intermediate_rows` are in memory. `target_rows` has the
    columns `tidy.SCORED_COLUMNS`, text as categories, and `run`, a small number per run. `intermediate_rows` are those
    of intermediate stages, in the columns of `tidy.SCHEMA`.
    """

    source: str
    rows: pl.LazyFrame
    target_rows: pl.DataFrame
    has_duplicates: bool  # a score stands in `target_rows` more than once
    intermediate_rows: pl.DataFrame
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    baseline: str = NONE  # the chain that gains are measured against
    ceilings: tuple[str, ...] = ()  # chains that were trained on rows of other languages too, and are never ranked
    controls: frozenset[str] = frozenset()  # chains that are no candidates: controls, and baselines but `baseline`
    same_data: frozenset[tuple[str, str]] = frozenset()  # (chain, target) that the user named as same-data cells
    retrieval_targets: frozenset[str] = frozenset()
    skipped_chain_seeds: frozenset[tuple[str, int]] = frozenset()  # (chain, seed) that a race did not give
    unplanned_chain_seeds: frozenset[tuple[str, int]] = frozenset()  # (chain, seed) that only other chains were to get
    benchmark: str | None = None
    model: str | None = None
    is_limited: bool = False
    stage_counts: tuple[int, int] | None = None  # of a sweep: stages with scores, all stages
    notes: tuple[str, ...] = ()
    stage_folders: tuple[Path, ...] = ()  # folders with a sweep's stages, each in a folder named by its key
    archived_probes: tuple[pl.DataFrame, ...] = ()  # probes of the sweeps that are archives
    records: tuple[Mapping[str, Any], ...] = ()  # content of each sweep's `sweep.json`

    @property
    def specs(self) -> tuple[Mapping[str, Any], ...]:
        """What each sweep was asked to do."""
        return tuple(record["spec"] for record in self.records)

    @property
    def other_baselines(self) -> tuple[str, ...]:
        """The chains without an intermediate phase that gains are not measured against, such as `none~x2`."""
        return tuple(name for name in self.intermediates if is_baseline(name))

    @property
    def common_seeds(self) -> tuple[int, ...]:
        """The seeds that are planned for every chain."""
        partial = {seed for _, seed in self.unplanned_chain_seeds}
        return tuple(seed for seed in self.seeds if seed not in partial)

    @property
    def chains_with_more_seeds(self) -> Mapping[str, tuple[int, ...]]:
        """The seeds beyond the common ones, of the chains that have any; the baseline first."""
        common = self.common_seeds
        more = {
            chain: tuple(
                seed for seed in self.seeds if seed not in common and (chain, seed) not in self.unplanned_chain_seeds
            )
            for chain in (self.baseline, *self.intermediates, RANDOM_ENCODER, *self.ceilings)
        }
        return {chain: seeds for chain, seeds in more.items() if seeds}
