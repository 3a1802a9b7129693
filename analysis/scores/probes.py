"""What probes measured in the stages of a sweep (`search/run.py --probes`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from spaces.errors import UsageError
from spaces.probe_columns import PROBE_COLUMNS, PROBES_FILE

POLARS_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.String,
    "int64": pl.Int64,
    "double": pl.Float64,
    "list<double>": pl.List(pl.Float64),
}
SCHEMA = {column.name: POLARS_TYPES[column.type] for column in PROBE_COLUMNS}


def require_probe_rows(homes: Sequence[Path], stages: Iterable[str], family: str) -> pl.DataFrame:
    """The rows of a family of probes that these stages left, as `any_probe_rows` gives them.

    Raises:
        UsageError: no stage left any, or a file cannot be read.
    """
    found = read_probe_rows(homes, stages, family)
    if found.is_empty():
        raise UsageError(
            f"no stage was measured with the probes that this question needs: run the sweep's command with "
            f"--probes {family}, and where its stages are finished already with another --results folder, "
            "then name that sweep."
        )
    return found


def read_probe_rows(homes: Sequence[Path], stages: Iterable[str], family: str) -> pl.DataFrame:
    """The rows of a family of probes that these stages left, if any, in the columns of `spaces.probe_columns`.

    `homes` are folders of stages (`Scores.homes`). A stage without them is in no row.

    Raises:
        UsageError: a file cannot be read.
    """
    paths = (
        next((home / stage / PROBES_FILE for home in homes if (home / stage / PROBES_FILE).is_file()), None)
        for stage in stages
    )
    rows = [_read_file(path).filter(family=family) for path in paths if path is not None]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows])


def _read_file(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False).select(*SCHEMA).cast(SCHEMA)  # type: ignore[arg-type]
    except (PolarsError, OSError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UsageError(
            f"{path} cannot be read ({line}): remove it, or its stage, and run the sweep again."
        ) from error
