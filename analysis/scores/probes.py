"""Values that probes measured in the stages of a sweep (`search/run.py --probes`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.record import find_stage_file
from analysis.scores.tidy import build_schema
from spaces.errors import UsageError, first_line_of
from spaces.probe_columns import PROBE_COLUMNS, PROBES_FILE

SCHEMA = build_schema(PROBE_COLUMNS)


def require_probe_rows(stage_folders: Sequence[Path], stages: Iterable[str], family: str) -> pl.DataFrame:
    """Return `read_probe_rows`; raise UsageError if no stage has any, or a file cannot be read."""
    rows = read_probe_rows(stage_folders, stages, family)
    if rows.is_empty():
        raise UsageError(
            f"no stage has the probes that this question needs. Run the sweep's command with --probes {family}, "
            "with another --results folder if its stages are finished already, then name that sweep."
        )
    return rows


def read_probe_rows(stage_folders: Sequence[Path], stages: Iterable[str], family: str) -> pl.DataFrame:
    """Return the rows of a family of probes, none for a stage without; raise UsageError if a file cannot be read."""
    files = (find_stage_file(stage_folders, stage, PROBES_FILE) for stage in stages)
    rows = [_read_file(file).filter(family=family) for file in files if file is not None]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows])


def _read_file(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False).select(*SCHEMA).cast(SCHEMA)  # type: ignore[arg-type]
    except (PolarsError, OSError) as error:
        reason = first_line_of(error).rstrip(".")
        raise UsageError(
            f"{path} cannot be read ({reason}). Remove it, or its stage, and run the sweep again."
        ) from error
