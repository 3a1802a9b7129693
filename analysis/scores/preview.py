"""The measurements of a sweep's preview (`search/run.py --preview`), from the folders of its phases."""

from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.record import find_stage_file
from analysis.scores.tidy import build_schema
from spaces.errors import UsageError, first_line_of
from spaces.preview import PREVIEW_COLUMNS, PREVIEW_FILE

SCHEMA = build_schema(PREVIEW_COLUMNS)


def read_preview_rows(stages_folder: Path, keys: list[str]) -> pl.DataFrame:
    """Return the rows of all phases that were measured; raise UsageError if a file cannot be read."""
    files = (find_stage_file([stages_folder], key, PREVIEW_FILE) for key in keys)
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(_read_file(file) for file in files if file is not None)])


def _read_file(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False).select(*SCHEMA).cast(SCHEMA)  # type: ignore[arg-type]
    except (PolarsError, OSError) as error:
        reason = first_line_of(error).rstrip(".")
        raise UsageError(f"{path} cannot be read ({reason}). Remove it, and run the preview again.") from error
