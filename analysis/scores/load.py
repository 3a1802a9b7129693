"""From paths to scores: sweep folders, Parquet files, folders of Parquet files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from analysis.scores.duplicates import pack_score_keys
from analysis.scores.keys import compact_keys, find_first_rows, has_duplicate_keys, pack_columns
from analysis.scores.record import SCORES_FILE, list_skipped_seeds, read_record, stages_folder_of
from analysis.scores.stages import read_stage_rows
from analysis.scores.tidy import (
    ARM_COLUMNS,
    CATEGORY_TYPES,
    CELL_COLUMNS,
    SCORED_COLUMNS,
    Scale,
    check_rows,
    collect_rows,
    is_in_points,
    scan_rows,
)
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.phase import has_phase
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.sweep_record import SWEEP_FILE
from spaces.table import describe_unknown

EAGER_READ_BYTES = 4_000_000  # bytes of a file that is read at once; of a larger one each question reads its columns
RETRIEVAL_PREFIXES = (
    "bucc",
    "tatoeba",
    "mewsli",
    "lareqa",
)  # how a foreign file's retrieval targets are known: by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What was read. The names stand in the order they are shown.

    Every combination of the baseline and `intermediates` with `targets` and `seeds` should be there: what is not, is
    missing. `intermediates` holds neither the baseline nor floors.

    `rows` is every row in the columns of `tidy.SCHEMA`; it may still lie in files, so collect no more columns than a
    question needs, and while the files are there. `scored` and `upstream` are in memory.
    """

    source: str
    rows: pl.LazyFrame
    target_rows: (
        pl.DataFrame
    )  # rows of targets: the columns SCORED, text as categories, and `run`, a small number per run
    has_duplicates: bool  # whether a score stands in `scored` more than once
    intermediate_rows: pl.DataFrame  # rows of intermediate stages: the columns of SCHEMA
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    controls: frozenset[str] = frozenset()
    retrieval_targets: frozenset[str] = frozenset()
    skipped_chain_seeds: frozenset[tuple[str, int]] = (
        frozenset()
    )  # chains that a race decided, with the seeds it did not give them
    benchmark: str | None = None
    model: str | None = None
    is_limited: bool = False
    stage_counts: tuple[int, int] | None = None  # of a sweep: how many left scores, how many it knows
    notes: tuple[str, ...] = ()
    stage_folders: tuple[Path, ...] = ()  # folders in which a sweep's stages lie, each by its key
    specs: tuple[Mapping[str, Any], ...] = ()  # of sweeps: what was asked for, as `sweep.json` has it


def load(paths: Sequence[Path], scale: Scale = "auto") -> Scores:
    """The scores of all `paths` together.

    Raises:
        UsageError: a path cannot be read, holds no baseline, or the paths hold different experiments.
    """
    parts = [load_sweep(path) if (path / SWEEP_FILE).is_file() else _load_files(path, scale) for path in paths]
    _check_budgets([spec for part in parts for spec in part.specs])
    stages = [part.stage_counts for part in parts if part.stage_counts is not None]
    names = _merge_names(part.intermediates for part in parts)
    source = ", ".join(part.source for part in parts)
    if NONE not in names:
        raise UsageError(f"{source}: no rows of `{NONE}`, the baseline that a gain is a difference to: add them.")
    if names == (NONE,):
        raise UsageError(f"{source}: only the baseline `{NONE}` is there: nothing to rank against it.")
    rows, upstream = pl.concat([part.rows for part in parts]), pl.concat([part.intermediate_rows for part in parts])
    scored, copies = parts[0].target_rows, parts[0].has_duplicates
    if len(parts) > 1:
        scored, copies = _add_run_keys(pl.concat([part.target_rows for part in parts]).drop("run"))
    # A path given twice, or two sweeps that share stages, bring the same rows twice.
    if copies or upstream.is_duplicated().any():
        rows, upstream = rows.unique(maintain_order=True), upstream.unique(maintain_order=True)
    return Scores(
        source=source,
        rows=rows,
        target_rows=scored,
        has_duplicates=copies,
        intermediate_rows=upstream,
        intermediates=tuple(name for name in names if name != NONE),
        targets=_merge_names(part.targets for part in parts),
        seeds=tuple(sorted({seed for part in parts for seed in part.seeds})),
        controls=frozenset().union(*(part.controls for part in parts)),
        retrieval_targets=frozenset().union(*(part.retrieval_targets for part in parts)),
        skipped_chain_seeds=frozenset().union(*(part.skipped_chain_seeds for part in parts)),
        benchmark=_single_value(rows, "benchmark"),
        model=_single_value(rows.filter(pl.col("intermediate") != RANDOM_ENCODER), "model"),
        is_limited=any(part.is_limited for part in parts),
        stage_counts=(sum(done for done, _ in stages), sum(known for _, known in stages)) if stages else None,
        notes=tuple(note for part in parts for note in part.notes),
        stage_folders=tuple(dict.fromkeys(home for part in parts for home in part.stage_folders)),
        specs=tuple(spec for part in parts for spec in part.specs),
    )


def _check_budgets(specs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UsageError where two sweeps call phases of different budgets by one name: they would pass for one chain."""
    seen: dict[str, Mapping[str, Any]] = {}
    for spec in specs:
        for name in spec.get("intermediates", ()):
            other = seen.setdefault(name, spec)
            if has_phase(name) and other.get("budget") != spec.get("budget"):
                raise UsageError(
                    f"these sweeps mean different things by {name!r}: one bounds its phases by {other.get('budget')}, "
                    f"the other by {spec.get('budget')}; read one at a time."
                )


def _merge_names(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _add_run_keys(scored: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Rows of targets with the key of their run, and whether any score stands there more than once."""
    keyed = scored.with_columns(run=pl.Series(compact_keys(pack_columns(scored, ARM_COLUMNS))))
    return keyed, has_duplicate_keys(pack_score_keys(keyed))


def _single_value(rows: pl.LazyFrame, column: str) -> str | None:
    """The one value of a column, null apart."""
    values: list[str] = _list_values(rows, column)
    if len(values) > 1:
        raise UsageError(f"rows of {len(values)} {column}s ({', '.join(values)}): rank one at a time.")
    return values[0] if values else None


def _list_values(rows: pl.LazyFrame, column: str) -> list[Any]:
    return rows.select(pl.col(column).drop_nulls().unique().sort()).collect(engine="streaming")[column].to_list()


def _is_limited(rows: pl.LazyFrame) -> bool:
    return bool(rows.select(pl.col("limited").any()).collect(engine="streaming").item())


def _list_retrieval_targets(rows: pl.LazyFrame) -> frozenset[str]:
    return frozenset(_list_values(rows.filter(pl.col("kind") == "retrieval"), "target"))


def _select_intermediate_rows(rows: pl.LazyFrame) -> pl.DataFrame:
    found = rows.filter(pl.col("kind") == "intermediate")
    # Most foreign files have no such rows. One column tells: the others need not be read.
    if found.select("kind").limit(1).collect(engine="streaming").is_empty():
        found = rows.clear()
    return found.collect(engine="streaming")


def load_sweep(folder: Path) -> Scores:
    """The scores of one sweep, whatever it holds; raises UsageError if it cannot be read or has no scores yet."""
    record = read_record(folder / SWEEP_FILE)
    spec = record["spec"]
    stages = stages_folder_of(folder)
    files = [stages / key / SCORES_FILE for key in record["stages"]]
    done = [file for file in files if file.is_file()]
    if not done:
        raise UsageError(f"{folder}: none of its {len(files)} stages has left scores yet: let search/run.py go on.")
    targets = tuple(spec["targets"])
    frame, broken, note = read_stage_rows(folder, done)
    # A stage scores every target that shares its training, also those that this sweep did not ask for.
    rows = frame.filter(pl.col("target").is_in(targets) | pl.col("target").is_null()).lazy()
    scored, copies = _add_run_keys(_collect_scored_columns(rows, str(folder)).drop_nulls("target"))
    return Scores(
        source=str(folder),
        rows=rows,
        target_rows=scored,
        has_duplicates=copies,
        intermediate_rows=_select_intermediate_rows(rows),
        intermediates=(NONE, *spec["intermediates"]),
        targets=targets,
        seeds=tuple(spec["seeds"]),
        controls=frozenset(spec.get("controls", ())),
        retrieval_targets=frozenset(spec.get("retrieval", ())) | _list_retrieval_targets(rows),
        skipped_chain_seeds=list_skipped_seeds(record),
        is_limited=any(spec.get(cut) is not None for cut in ("limit", "test_limit")) or _is_limited(rows),
        stage_counts=(len(done) - len(broken), len(files)),
        notes=(
            *([note] if note else []),
            *(f"{fault} Its stage counts as missing: start the sweep again." for fault in broken.values()),
        ),
        stage_folders=(stages,),
        specs=(spec,),
    )


def _load_files(path: Path, scale: Scale) -> Scores:
    files = [path]
    if path.is_dir():
        sweeps = sorted(str(file.parent) for file in path.glob(f"*/{SWEEP_FILE}"))
        if sweeps:
            raise UsageError(f"{path} holds sweeps: name the one to rank: {', '.join(sweeps)}.")
        files = sorted(file for file in path.rglob("*.parquet") if file.name not in (PREDICTIONS_FILE, PROBES_FILE))
        if not files:
            raise UsageError(f"{path} is neither a sweep (it has no {SWEEP_FILE}) nor does it hold Parquet files.")
    elif not path.is_file():
        sweeps = sorted(file.parent.name for file in path.parent.glob(f"*/{SWEEP_FILE}"))
        hint = f" ({describe_unknown('sweep', path.name, sweeps)})" if sweeps else ""
        raise UsageError(f"{path} does not exist: name the folder of a sweep or a Parquet file{hint}.")
    read = [_load_file(file) for file in files]
    rows, everything = pl.concat([rows for rows, _ in read]), pl.concat([scored for _, scored in read])
    share = pl.col("value") / 100
    if points := is_in_points(everything["value"], scale, str(path)):
        rows, everything = rows.with_columns(share), everything.with_columns(share)
    scored, copies = _add_run_keys(everything.drop_nulls("target"))
    if scored.is_empty():
        raise UsageError(f"{path} holds no score of a target.")
    cells = scored.select(CELL_COLUMNS)[find_first_rows(scored["run"].to_numpy())].lazy()
    chains = cells.filter(pl.col("intermediate") != RANDOM_ENCODER)
    intermediates, targets, seeds = (_list_values(chains, name) for name in CELL_COLUMNS)
    return Scores(
        source=str(path),
        rows=rows,
        target_rows=scored,
        has_duplicates=copies,
        intermediate_rows=_select_intermediate_rows(rows),
        intermediates=tuple(intermediates),
        targets=tuple(targets),
        seeds=tuple(seeds),
        retrieval_targets=_list_retrieval_targets(rows)
        | {name for name in targets if name.lower().startswith(RETRIEVAL_PREFIXES)},
        is_limited=_is_limited(rows),
        notes=(f"{path}: values above 1 or --scale points: read as points.",) if points else (),
    )


def _load_file(file: Path) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """All rows of a file, and of the same rows what scores and chooses."""
    rows = scan_rows(file, str(file))
    if file.stat().st_size < EAGER_READ_BYTES:
        rows = collect_rows(rows, str(file)).lazy()
    # The key of a stage leads to what lies beside its scores, and nothing lies beside a file.
    scored = _collect_scored_columns(rows.with_columns(stage=pl.lit(None, pl.String)), str(file))
    check_rows(scored, rows.select(pl.col("version").max()).collect(engine="streaming").item(), str(file))
    return rows, scored


def _collect_scored_columns(rows: pl.LazyFrame, name: str) -> pl.DataFrame:
    """The columns SCORED, text as categories: ten million rows of text would not fit."""
    text = [pl.col(column).cast(dtype) for column, dtype in CATEGORY_TYPES.items()]
    return collect_rows(rows.select(SCORED_COLUMNS).with_columns(text), name)
