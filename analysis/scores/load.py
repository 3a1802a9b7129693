"""The scores of several paths together: sweep folders, archives, files of scores, folders of such files."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from analysis.scores.archive import is_archive
from analysis.scores.plain_names import show_hidden
from analysis.scores.scale import ALL_KNOWN, FileOptions
from analysis.scores.scores import Scores
from analysis.scores.sources import add_run_keys, list_values, load_archive, load_files, load_sweep
from spaces.bounds import BOUND_NAMES, describe_bounds
from spaces.chain import NONE, RANDOM_ENCODER, is_baseline
from spaces.errors import UsageError
from spaces.phase import has_phase
from spaces.sweep_record import SWEEP_FILE
from spaces.table import describe_unknown, shorten_list

DEFAULT_OPTIONS = FileOptions()
LIKELY_BASELINES = frozenset(  # names of the arm without an intermediate task, in small letters and digits
    "none no null na nan baseline base vanilla direct zeroshot nothing nointermediate nointermediatetask without "
    "pretrained control original plain default noift notask".split()
)
LIKELY_CONTROLS = ("random", "sham", "shuffled", "random-labels", "control")


def load(paths: Sequence[Path], options: FileOptions = DEFAULT_OPTIONS, *, controls: Iterable[str] = ()) -> Scores:
    """Return all `paths` together; raise UsageError for an unreadable path, no baseline, or different experiments.

    `options` is about files that are no sweep. `controls` adds to the controls that sweeps record.
    """
    parts = [part for path in paths for part in load_sweeps(path) or [load_files(path, options)]]
    is_sweep = [bool(part.records) for part in parts]
    _check_named_metrics([part for part, sweep in zip(parts, is_sweep, strict=True) if not sweep], options)
    check_comparable([spec for part in parts for spec in part.specs])
    stage_counts = [part.stage_counts for part in parts if part.stage_counts is not None]
    done, total = (sum(counts[i] for counts in stage_counts) for i in (0, 1))
    names = _merge_names(part.intermediates for part in parts)
    source = show_hidden(", ".join(dict.fromkeys(part.source for part in parts)))
    if NONE not in names:
        raise UsageError(f"{source}: {_describe_missing_baseline(names)}")
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
    named_controls = _check_controls(controls, names)
    matched_baselines = (name for name in names if name != NONE and is_baseline(name))
    all_controls = named_controls.union(*(part.controls for part in parts), matched_baselines)
    return Scores(
        source=source,
        rows=rows,
        target_rows=target_rows,
        has_duplicates=has_duplicates,
        intermediate_rows=intermediate_rows,
        intermediates=tuple(name for name in names if name != NONE),
        targets=_merge_names(part.targets for part in parts),
        seeds=tuple(sorted({seed for part in parts for seed in part.seeds})),
        ceilings=_merge_names(part.ceilings for part in parts),
        controls=all_controls,
        retrieval_targets=frozenset().union(*(part.retrieval_targets for part in parts)),
        skipped_chain_seeds=frozenset().union(*(part.skipped_chain_seeds for part in parts)),
        unplanned_chain_seeds=_merge_unplanned(parts),
        benchmark=_single_value(rows, "benchmark"),
        model=_single_value(rows.filter(pl.col("intermediate") != RANDOM_ENCODER), "model"),
        is_limited=any(part.is_limited for part in parts),
        stage_counts=(done, total) if stage_counts else None,
        notes=(
            *dict.fromkeys(show_hidden(note) for part in parts for note in part.notes),
            *_suggest_controls(parts, is_sweep, all_controls),
        ),
        stage_folders=tuple(dict.fromkeys(folder for part in parts for folder in part.stage_folders)),
        archived_probes=tuple(table for part in parts for table in part.archived_probes),
        records=tuple(record for part in parts for record in part.records),
    )


def load_sweeps(path: Path) -> list[Scores]:
    """Return the scores of a sweep folder, or of each sweep of an archive; none for any other path.

    Raises UsageError for a folder that holds an archive: its rows are no plain score rows.
    """
    if (path / SWEEP_FILE).is_file():
        return [load_sweep(path)]
    if path.is_dir() and (inside := next(filter(is_archive, sorted(path.glob("*.parquet"))), None)):
        raise UsageError(f"{path} is a folder with {inside.name}, an archive of sweeps. Give {inside}.")
    return load_archive(path) if is_archive(path) else []


def _describe_missing_baseline(names: Sequence[str]) -> str:
    """Return what is missing, which names there are, and which of them may be the baseline."""
    plain = {name: "".join(letter for letter in name.casefold() if letter.isalnum()) for name in names}
    near = [name for name in names if not plain[name] or plain[name] in LIKELY_BASELINES]
    near += [name for name in get_close_matches(NONE, names, cutoff=0.6) if name not in near]
    hint = f" Rename {' or '.join(map(repr, near))} to `{NONE}` if it is the baseline." if near else ""
    return (
        f"no rows of the baseline `{NONE}`. A gain is the difference to it: add its rows. "
        f"The intermediate tasks here are {shorten_list(names)}.{hint}"
    )


def _check_named_metrics(files: Sequence[Scores], options: FileOptions) -> None:
    """Raise UsageError if --scale or --lower-is-better names a metric that no file has."""
    flags = (("--scale", options.metric_scales), ("--lower-is-better", options.lower_is_better - {ALL_KNOWN}))
    if any(names for _, names in flags) or options.lower_is_better:
        known = sorted({name for part in files for name in part.target_rows["metric"].drop_nulls().unique()})
        if not files:
            raise UsageError("--scale and --lower-is-better are for score files: a sweep has shares, higher is better.")
        for flag, names in flags:
            for name in sorted(set(names) - set(known)):
                raise UsageError(f"{flag}: {describe_unknown('metric', name, known)}")


def _check_controls(controls: Iterable[str], names: Sequence[str]) -> frozenset[str]:
    """Return `controls`; raise UsageError for one that is no intermediate task."""
    tasks = [name for name in names if name != NONE]
    for name in controls:
        if name not in tasks:
            raise UsageError(f"--controls: {describe_unknown('intermediate task', name, tasks)}")
    return frozenset(controls)


def _suggest_controls(parts: Sequence[Scores], is_sweep: Sequence[bool], controls: frozenset[str]) -> tuple[str, ...]:
    """Return a note on arms of files that are called like a control and not said to be one."""
    foreign = _merge_names(part.intermediates for part, sweep in zip(parts, is_sweep, strict=True) if not sweep)
    likely = [name for name in foreign if name.casefold() in LIKELY_CONTROLS and name not in controls]
    if not likely:
        return ()
    return (f"Ranked like any other task: {', '.join(likely)}. If it is a control, add --controls {','.join(likely)}.",)


def check_comparable(specs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UsageError if two sweeps have different bounds, or give phases of different budgets one name.

    Their chains would count as one.
    """
    bounds = {tuple(spec.get(name) for name in BOUND_NAMES if name != "probe_limit"): spec for spec in specs}
    if len(bounds) > 1:
        shown = "; ".join(describe_bounds(spec) or "none" for spec in bounds.values())
        raise UsageError(f"these sweeps have different bounds: {shown}. Read one at a time.")
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


def _merge_unplanned(parts: Sequence[Scores]) -> frozenset[tuple[str, int]]:
    """Return what is unplanned in one part and planned in no other."""
    unplanned = frozenset[tuple[str, int]]().union(*(part.unplanned_chain_seeds for part in parts))
    for part in parts:
        planned = {(chain, seed) for chain in (NONE, *part.intermediates, *part.ceilings) for seed in part.seeds}
        unplanned -= planned - part.unplanned_chain_seeds
    return unplanned


def _single_value(rows: pl.LazyFrame, column: str) -> str | None:
    """Return the only value of a column, ignoring null; raise UsageError for several."""
    values: list[str] = list_values(rows, column)
    if len(values) > 1:
        raise UsageError(f"rows of {len(values)} {column}s ({', '.join(values)}): rank one at a time.")
    return show_hidden(values[0]) if values else None
