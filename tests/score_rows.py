"""What two tables of score rows have in common if they are of the same experiment."""

import polars as pl
import polars.selectors as cs


def drop_costs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without what differs from run to run: seconds, and the bytes of checkpoints."""
    return rows.select(~cs.ends_with("seconds", "checkpoint_bytes"))
