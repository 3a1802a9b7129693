"""The rows of a sweep's stages: thousands of small files in one scan, or what a compaction holds of them."""

from collections.abc import Sequence
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


def read_stage_rows(folder: Path, files: Sequence[Path]) -> tuple[pl.DataFrame, dict[str, str], str | None]:
    """The rows of these files of stages of the sweep in `folder`, in their order.

    With them what is wrong with files, by the keys of their stages, and what is to be said of the sweep's compaction. A
    file that cannot be read, or has rows of another stage than its own, gives no rows.

    Raises:
        UsageError: no file is whole, or a newer version wrote one.
    """
    known = read_compaction(folder, files)
    fresh = [file for file in files if file.parent.name not in known.stage_keys]
    whole, broken = read_whole_files(fresh, str(folder)) if fresh else ([], {})
    if not whole and not known.stage_keys:
        raise UsageError(next(iter(broken.values())))
    if known.stage_keys:
        check_rows(known.rows, known.rows["version"].max(), str(folder))
    rows = pl.concat([known.rows, *whole])
    return _sort_by_stage(rows, [file.parent.name for file in files]), broken, known.note


def read_whole_files(files: Sequence[Path], where: str) -> tuple[list[pl.DataFrame], dict[str, str]]:
    """Frames of the rows of all files that are whole, in their order, and what is wrong with the others, by stage.

    Raises:
        UsageError: a newer version wrote one of the files.
    """
    try:
        return [_read_together(files, where)], {}
    except NewerVersionError:
        raise
    except (PolarsError, OSError, UsageError):
        pass  # one of the files: it is found by halves, since reading each alone takes many times as long
    if len(files) > 1:
        half = len(files) // 2
        (one, broken), (other, more) = read_whole_files(files[:half], where), read_whole_files(files[half:], where)
        return one + other, broken | more
    try:
        return [_read_alone(files[0])], {}
    except NewerVersionError:
        raise
    except UsageError as error:
        return [], {files[0].parent.name: str(error)}


def _read_together(files: Sequence[Path], where: str) -> pl.DataFrame:
    """The rows of files that were written to SCHEMA; columns that an older version lacks are null."""
    scan = pl.scan_parquet(
        list(files),
        schema=SCHEMA,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=CAST_OPTIONS,
        include_file_paths="file",
        glob=False,
    ).collect()
    own = pl.concat_str(pl.lit(f"{files[0].parent.parent}/"), "stage", pl.lit(f"/{SCORES_FILE}"))
    if scan.select(pl.col("file").ne_missing(own).any()).item():
        raise UsageError(f"{where}: a file has rows of another stage.")
    rows = tidy(scan.lazy(), where).collect()
    check_rows(rows, rows["version"].max(), where)
    return rows


def _read_alone(file: Path) -> pl.DataFrame:
    name = "/".join(file.parts[-3:])
    rows = collect_rows(scan_rows(file, name), name)
    check_rows(rows, rows["version"].max(), name)
    strange = set(rows["stage"].unique()) - {file.parent.name}
    if strange:
        raise UsageError(f"{name} has rows of stage {min(map(str, strange))}.")
    return rows


def _sort_by_stage(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Rows in the order of their stages' keys: which rows come first must not depend on what was compacted."""
    placed = rows.with_columns(place=pl.col("stage").cast(pl.Enum(keys)))
    return rows if placed["place"].is_sorted() else placed.sort("place", maintain_order=True).drop("place")
