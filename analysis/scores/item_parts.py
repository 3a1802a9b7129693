"""The contribution of each test item to each run that counts, from kept predictions, one target at a time.

Only a target's rows are read from a file, and only the columns that name an item and make its score.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from analysis.statistics.item_errors import ItemParts
from analysis.statistics.moments import Array, IntArray
from spaces.errors import first_line_of
from spaces.task import Task

PART_COLUMNS = ("numerator", "denominator")
ITEM_COLUMNS = ("language", "item")

PredictionFiles = Mapping[tuple[int, int], Path]  # indices of chain and seed -> predictions of the run that counts


class NoItemsError(Exception):
    """The reason why scores cannot be split into items, as the beginning of a sentence."""


def read_item_parts(files: PredictionFiles, task: Task, chains: int, seeds: int) -> tuple[tuple[str, ...], ItemParts]:
    """Return the languages of a target and its items' contributions to `chains` x `seeds` runs; NaN without a file.

    Languages that are translations of each other share their items: by id, or by position. By position only if all have
    the same number of rows, since a missing row would shift the following ones. Raise NoItemsError if a file is
    damaged, of an older version, or has no items of the target.
    """
    sheets: list[pl.DataFrame] = []  # distinct lists of items in file order; nearly always one
    runs = {cell: _read_run(path, task, sheets) for cell, path in files.items()}
    # Sorted by language alone: every language is one block.
    rows = pl.concat(sheets).unique(maintain_order=True).sort("language", maintain_order=True).with_row_index("row")
    blocks = rows.group_by("language", maintain_order=True).len()
    same_size = blocks["len"].n_unique() == 1
    shared = task.is_parallel and (task.item_column == "id" or same_size)
    located = [sheet.join(rows, on=ITEM_COLUMNS, how="left", maintain_order="left") for sheet in sheets]
    parts = np.full((2, chains, seeds, rows.height), np.nan)
    for (chain, seed), (sheet, values) in runs.items():
        parts[:, chain, seed, located[sheet]["row"].to_numpy()] = values
    return tuple(blocks["language"]), ItemParts(
        numerator=parts[0],
        denominator=parts[1],
        bounds=(0, *blocks["len"].cum_sum()),
        items=_number_items(rows["item"]) if shared else np.arange(rows.height),
    )


def _number_items(items: pl.Series) -> IntArray:
    """Return a number from 0 for each item, equal for equal items."""
    names = items.unique(maintain_order=True).to_frame().with_row_index("number")
    numbered = items.to_frame().join(names, on=items.name, how="left", maintain_order="left")
    return numbered["number"].cast(pl.Int64).to_numpy()


def _read_run(path: Path, task: Task, sheets: list[pl.DataFrame]) -> tuple[int, Array]:
    """Return the index of the run's items in `sheets`, where new ones are added, and its PART_COLUMNS x rows."""
    name = "/".join(path.parts[-2:])
    try:
        scan = pl.scan_parquet(path, glob=False)
        if not {*PART_COLUMNS} <= {*scan.collect_schema().names()}:
            raise NoItemsError(f"{name} is of an older version, without the scores of single items")
        own = scan.filter(target=task.name, split="test").select("language", *PART_COLUMNS, item=task.item_column)
        rows = own.drop_nulls(PART_COLUMNS).collect()
    except (PolarsError, OSError) as error:
        raise NoItemsError(f"{name} cannot be read: {first_line_of(error).rstrip('.')}") from error
    sheet = rows.select(ITEM_COLUMNS)
    index = next((i for i, known in enumerate(sheets) if known.equals(sheet)), len(sheets))
    if index == len(sheets):
        if sheet.is_empty() or sum(sheet.null_count().row(0)) or sheet.is_duplicated().any():
            raise NoItemsError(f"{name} is damaged: {task.name} has no items, unnamed items, or an item twice")
        sheets.append(sheet)
    return index, rows.select(PART_COLUMNS).to_numpy().T
