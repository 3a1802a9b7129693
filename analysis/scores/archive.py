"""An archive: one sweep or several in one Parquet file, to hand on. It holds their records, score rows and probes.

Rows of scores and rows of probes share their columns; those of probes have a `family`. The records, `sweep.json` of
each sweep, are in the file's metadata. Predictions and encoders are not part of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores import probes, tidy
from analysis.scores.record import check_record
from spaces.errors import UsageError, first_line_of
from spaces.whole_files import write_file

METADATA_NAME = "transfer-search archive"
VERSION = 1  # raised when the metadata or the columns change their meaning
SCHEMA = {**tidy.SCHEMA, **{name: dtype for name, dtype in probes.SCHEMA.items() if name not in tidy.SCHEMA}}
PROBE_DECIMALS = 4  # of values
VECTOR_DIGITS = 3  # significant ones: they take most of a file, and a cosine changes by 2e-6


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive holds: the `sweep.json` of each sweep, rows in `tidy.SCHEMA`, and rows in `probes.SCHEMA`."""

    records: tuple[Mapping[str, Any], ...]
    rows: pl.DataFrame
    probe_rows: pl.DataFrame


def write_archive(path: Path, archive: Archive) -> int:
    """Write an archive and return its size in bytes; raise UsageError if it cannot be written. Probes are rounded."""
    measured = archive.probe_rows.with_columns(
        pl.col("value").round(PROBE_DECIMALS),
        pl.col("vector").list.eval(pl.element().round_sig_figs(VECTOR_DIGITS)),
    )
    table = pl.concat([archive.rows, measured], how="diagonal").select(*SCHEMA)
    metadata = {METADATA_NAME: json.dumps({"version": VERSION, "records": archive.records})}
    try:
        write_file(path, partial(table.write_parquet, compression_level=19, statistics=False, metadata=metadata))
        return path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another place with -o.") from error


def is_archive(path: Path) -> bool:
    """Return True for a file that is an archive, also of a newer version."""
    try:
        return METADATA_NAME in pl.read_parquet_metadata(path)
    except (OSError, PolarsError):  # whatever it is, it is no archive
        return False


def read_archive(path: Path) -> Archive:
    """Return the content of an archive; raise UsageError for a damaged one, or one of a newer version."""
    try:
        content = json.loads(pl.read_parquet_metadata(path)[METADATA_NAME])
        version, records = content["version"], content["records"]
        if version > VERSION:
            raise UsageError(f"{path} has version {version}, this program reads up to {VERSION}: use a newer one.")
        table = pl.read_parquet(path, glob=False, hive_partitioning=False)
        is_probe = pl.col("family").is_not_null()
        rows = tidy.tidy(table.lazy().filter(~is_probe), str(path)).collect()
        measured = table.filter(is_probe).select(*probes.SCHEMA).cast(probes.SCHEMA)  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError, PolarsError) as error:
        raise UsageError(f"{path} is damaged ({first_line_of(error).rstrip('.')}). Get the archive again.") from error
    tidy.check_rows(rows, rows["version"].max(), str(path))
    return Archive(tuple(check_record(record, str(path)) for record in records), rows, measured)
