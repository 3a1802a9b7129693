"""What stages' probes found, from the files beside their scores."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from spaces.errors import UsageError
from spaces.probe_columns import PROBE_COLUMNS, PROBES

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int64": pl.Int64(),
    "double": pl.Float64(),
    "list<double>": pl.List(pl.Float64),
}
SCHEMA = pl.Schema({column.name: TYPES[column.type] for column in PROBE_COLUMNS})


def read_probes(homes: Sequence[Path], stages: Iterable[str], family: str) -> pl.DataFrame:
    """The rows of a family of probes that these stages left, in the columns of `spaces.probe_columns`.

    A stage without a file has none. `homes` are folders of stages.

    Raises:
        UsageError: a file cannot be read.
    """
    parts = [pl.DataFrame(schema=SCHEMA)]
    for stage in dict.fromkeys(stages):
        file = next((path for home in homes if (path := home / stage / PROBES).is_file()), None)
        if file is None:
            continue
        try:
            parts.append(pl.read_parquet(file, columns=SCHEMA.names(), glob=False).filter(family=family).cast(SCHEMA))
        except (PolarsError, OSError) as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UsageError(
                f"{stage}/{PROBES} cannot be read ({line}): remove the file to go on without what that stage found."
            ) from error
    return pl.concat(parts)
