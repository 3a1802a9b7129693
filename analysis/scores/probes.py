"""Values that probes measured in the stages of a sweep (`search/run.py --probes` and `--preview`)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.record import find_stage_file
from analysis.scores.scores import Scores
from analysis.scores.tidy import build_schema
from spaces.errors import UsageError, first_line_of
from spaces.probe_columns import PREVIEW_COLUMNS, PREVIEW_FILE, PROBE_COLUMNS, PROBES_FILE

SCHEMA = build_schema(PROBE_COLUMNS)
PREVIEW_SCHEMA = build_schema(PREVIEW_COLUMNS)


def require_probe_rows(scores: Scores, stages: Iterable[str], family: str) -> pl.DataFrame:
    """Return `read_probe_rows`; raise UsageError if no stage has any, or a file cannot be read."""
    rows = read_probe_rows(scores, stages, family)
    if rows.is_empty():
        raise UsageError(
            f"no stage has the probes that this question needs. Run the sweep's command with --probes {family}, "
            "with another --results folder if its stages are finished already, then name that sweep."
        )
    return rows


def read_probe_rows(scores: Scores, stages: Iterable[str], family: str) -> pl.DataFrame:
    """Return the rows of a family of probes, none for a stage without; raise UsageError if a file cannot be read."""
    wanted = list(stages)
    rows = [table.filter(family=family) for table in _read_files(scores.stage_folders, wanted)]
    for table in scores.archived_probes:
        found = {stage for part in rows for stage in part["stage"].unique()}  # a sweep and its archive may be given
        missing = [stage for stage in wanted if stage not in found]
        rows.append(table.filter(pl.col("stage").is_in(missing), family=family))
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows])


def read_all_probe_rows(stages_folder: Path, stages: Iterable[str]) -> pl.DataFrame:
    """Return the rows of all families of these stages; raise UsageError if a file cannot be read."""
    return pl.concat([pl.DataFrame(schema=SCHEMA), *_read_files([stages_folder], stages)])


def read_preview_rows(stages_folder: Path, stages: Iterable[str]) -> pl.DataFrame:
    """Return the rows of all phases that a preview measured; raise UsageError if a file cannot be read."""
    files = (find_stage_file([stages_folder], stage, PREVIEW_FILE) for stage in stages)
    rows = [_read_file(file, PREVIEW_SCHEMA) for file in files if file is not None]
    return pl.concat([pl.DataFrame(schema=PREVIEW_SCHEMA), *rows])


def _read_files(stage_folders: Sequence[Path], stages: Iterable[str]) -> list[pl.DataFrame]:
    files = (find_stage_file(stage_folders, stage, PROBES_FILE) for stage in stages)
    return [_read_file(file, SCHEMA) for file in files if file is not None]


def _read_file(path: Path, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False).select(*schema).cast(dict(schema))  # type: ignore[arg-type]
    except (PolarsError, OSError) as error:
        reason = first_line_of(error).rstrip(".")
        raise UsageError(
            f"{path} cannot be read ({reason}). Remove it, or its stage, and run the sweep again."
        ) from error
