"""The rows of a sweep's stages: from thousands of small files in one scan, or from their compaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.compaction import read_compaction
from analysis.scores.record import SCORES_FILE
from analysis.scores.tidy import SCHEMA, NewerVersionError, check_rows, collect_rows, scan_rows, tidy
from spaces.errors import UsageError

CAST_OPTIONS = pl.ScanCastOptions(  # types that a file may have instead of those of SCHEMA
    integer_cast="upcast", float_cast="upcast", categorical_to_string="allow"
)


@dataclass(frozen=True, slots=True)
class StageRows:
    """The rows of stages, in the order of their files."""

    rows: pl.DataFrame
    faults: Mapping[str, str]  # stage key -> what is wrong with its file; such a file gives no rows
    note: str | None  # on the sweep's compaction


def read_stage_rows(folder: Path, files: Sequence[Path]) -> StageRows:
    """Return the rows of these score files, which belong to stages of the sweep in `folder`.

    A file that cannot be read, or that has rows of another stage, gives no rows and is listed as a fault. Raise
    UsageError if no file can be read, or a newer version wrote one.
    """
    compaction = read_compaction(folder, files)
    others = [file for file in files if file.parent.name not in compaction.stage_keys]
    frames, faults = read_whole_files(others, str(folder)) if others else ([], {})
    if not frames and not compaction.stage_keys:
        raise UsageError(next(iter(faults.values())))
    if compaction.stage_keys:
        check_rows(compaction.rows, compaction.rows["version"].max(), str(folder))
    rows = pl.concat([compaction.rows, *frames])
    return StageRows(_sort_by_stage(rows, [file.parent.name for file in files]), faults, compaction.note)


def read_whole_files(files: Sequence[Path], source: str) -> tuple[list[pl.DataFrame], dict[str, str]]:
    """Return the frames of all good files in order, and the faults by stage; raise UsageError for a newer version's."""
    try:
        return [_read_together(files, source)], {}
    except NewerVersionError:
        raise
    except (PolarsError, OSError, UsageError):
        pass  # one file is faulty: halving finds it, since reading each file alone takes many times as long
    if len(files) > 1:
        middle = len(files) // 2
        first_frames, first_faults = read_whole_files(files[:middle], source)
        last_frames, last_faults = read_whole_files(files[middle:], source)
        return first_frames + last_frames, first_faults | last_faults
    try:
        return [_read_alone(files[0])], {}
    except NewerVersionError:
        raise
    except UsageError as error:
        return [], {files[0].parent.name: str(error)}


def _read_together(files: Sequence[Path], source: str) -> pl.DataFrame:
    """Return the rows of files that were written to SCHEMA; columns that an older version lacks are null."""
    scan = pl.scan_parquet(
        list(files),
        schema=SCHEMA,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=CAST_OPTIONS,
        include_file_paths="file",
        glob=False,
    ).collect()
    own_file = pl.concat_str(pl.lit(f"{files[0].parent.parent}/"), "stage", pl.lit(f"/{SCORES_FILE}"))
    if scan.select(pl.col("file").ne_missing(own_file).any()).item():
        raise UsageError(f"{source}: a file has rows of another stage.")
    rows = tidy(scan.lazy(), source).collect()
    check_rows(rows, rows["version"].max(), source)
    return rows


def _read_alone(file: Path) -> pl.DataFrame:
    source = "/".join(file.parts[-3:])
    rows = collect_rows(scan_rows(file, source), source)
    check_rows(rows, rows["version"].max(), source)
    foreign = set(rows["stage"].unique()) - {file.parent.name}
    if foreign:
        raise UsageError(f"{source} has rows of stage {min(map(str, foreign))}.")
    return rows


def _sort_by_stage(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the rows in the order of the stage keys: the order must not depend on which stages are compacted."""
    ordered = rows.with_columns(position=pl.col("stage").cast(pl.Enum(keys)))
    return rows if ordered["position"].is_sorted() else ordered.sort("position", maintain_order=True).drop("position")
