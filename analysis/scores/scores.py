"""The scores that were loaded, before any run is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Loaded score rows. Names are in the order in which they are shown.

    Every combination of the baseline and `intermediates` with `targets` and `seeds` is expected; one without rows is
    missing. `intermediates` holds neither the baseline nor floors.

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
    controls: frozenset[str] = frozenset()
    retrieval_targets: frozenset[str] = frozenset()
    skipped_chain_seeds: frozenset[tuple[str, int]] = frozenset()  # (chain, seed) that a race did not give
    benchmark: str | None = None
    model: str | None = None
    is_limited: bool = False
    stage_counts: tuple[int, int] | None = None  # of a sweep: stages with scores, all stages
    notes: tuple[str, ...] = ()
    stage_folders: tuple[Path, ...] = ()  # folders with a sweep's stages, each in a folder named by its key
    specs: tuple[Mapping[str, Any], ...] = ()  # `spec` of each sweep's `sweep.json`
