"""The scores of several paths together: sweep folders, Parquet files, folders of Parquet files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from analysis.scores.scores import Scores
from analysis.scores.sources import add_run_keys, list_values, load_files, load_sweep
from analysis.scores.tidy import Scale
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.phase import has_phase
from spaces.sweep_record import SWEEP_FILE


def load(paths: Sequence[Path], scale: Scale = "auto") -> Scores:
    """Return all `paths` together; raise UsageError for an unreadable path, no baseline, or different experiments."""
    parts = [load_sweep(path) if (path / SWEEP_FILE).is_file() else load_files(path, scale) for path in paths]
    _check_budgets([spec for part in parts for spec in part.specs])
    stage_counts = [part.stage_counts for part in parts if part.stage_counts is not None]
    done, total = (sum(counts[i] for counts in stage_counts) for i in (0, 1))
    names = _merge_names(part.intermediates for part in parts)
    source = ", ".join(part.source for part in parts)
    if NONE not in names:
        raise UsageError(f"{source}: no rows of the baseline `{NONE}`. A gain is the difference to it: add its rows.")
    if names == (NONE,):
        raise UsageError(f"{source}: only the baseline `{NONE}` has rows. Add intermediate tasks to rank.")
    rows = pl.concat([part.rows for part in parts])
    intermediate_rows = pl.concat([part.intermediate_rows for part in parts])
    target_rows, has_duplicates = parts[0].target_rows, parts[0].has_duplicates
    if len(parts) > 1:
        target_rows, has_duplicates = add_run_keys(pl.concat([part.target_rows for part in parts]).drop("run"))
    # A path given twice, or two sweeps that share stages, bring the same rows twice.
    if has_duplicates or intermediate_rows.is_duplicated().any():
        rows, intermediate_rows = rows.unique(maintain_order=True), intermediate_rows.unique(maintain_order=True)
    return Scores(
        source=source,
        rows=rows,
        target_rows=target_rows,
        has_duplicates=has_duplicates,
        intermediate_rows=intermediate_rows,
        intermediates=tuple(name for name in names if name != NONE),
        targets=_merge_names(part.targets for part in parts),
        seeds=tuple(sorted({seed for part in parts for seed in part.seeds})),
        controls=frozenset().union(*(part.controls for part in parts)),
        retrieval_targets=frozenset().union(*(part.retrieval_targets for part in parts)),
        skipped_chain_seeds=frozenset().union(*(part.skipped_chain_seeds for part in parts)),
        benchmark=_single_value(rows, "benchmark"),
        model=_single_value(rows.filter(pl.col("intermediate") != RANDOM_ENCODER), "model"),
        is_limited=any(part.is_limited for part in parts),
        stage_counts=(done, total) if stage_counts else None,
        notes=tuple(note for part in parts for note in part.notes),
        stage_folders=tuple(dict.fromkeys(folder for part in parts for folder in part.stage_folders)),
        specs=tuple(spec for part in parts for spec in part.specs),
    )


def _check_budgets(specs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UsageError if two sweeps give phases of different budgets one name: they would count as one chain."""
    first_specs: dict[str, Mapping[str, Any]] = {}
    for spec in specs:
        for name in spec.get("intermediates", ()):
            first = first_specs.setdefault(name, spec)
            if has_phase(name) and first.get("budget") != spec.get("budget"):
                raise UsageError(
                    f"{name!r} has different budgets in these sweeps: {first.get('budget')} and {spec.get('budget')}. "
                    "Read one sweep at a time."
                )


def _merge_names(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _single_value(rows: pl.LazyFrame, column: str) -> str | None:
    """Return the only value of a column, ignoring null; raise UsageError for several."""
    values: list[str] = list_values(rows, column)
    if len(values) > 1:
        raise UsageError(f"rows of {len(values)} {column}s ({', '.join(values)}): rank one at a time.")
    return values[0] if values else None
