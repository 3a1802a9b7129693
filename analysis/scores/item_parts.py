"""Kept predictions to what each test item brings to each run that counts, one target at a time.

Of a file only the rows of the target are read, and of these the columns that name an item and make its score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from analysis.statistics.item_errors import ItemParts
from analysis.statistics.moments import Array
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.task import Task

PART_COLUMNS = ("numerator", "denominator")
ITEM_COLUMNS = ("language", "item")

PredictionFiles = Mapping[tuple[int, int], Path]  # places of chain and seed -> what the run that counts predicted


class NoItemsError(Exception):
    """Why scores cannot be taken apart into items: the beginning of a sentence."""


def find_predictions(homes: Sequence[Path], stage: str) -> Path | None:
    """The predictions of a stage, if it left any; `homes` are folders of stages."""
    paths = (home / stage / PREDICTIONS_FILE for home in homes)
    return next((path for path in paths if path.is_file()), None)


def read_item_parts(files: PredictionFiles, task: Task, chains: int, seeds: int) -> tuple[tuple[str, ...], ItemParts]:
    """The languages of a target, and what its items bring to each of `chains` x `seeds` runs; NaN where no file is.

    Where the task's languages are translations of each other they share their items: by id, or by place. By place only
    if all have as many, since rows that one of them lacks would shift it against the others.

    Raises:
        NoItemsError: a file is damaged, of an older version, or has no items of the target.
    """
    sheets: list[pl.DataFrame] = []  # the items of a run, as they stand: nearly always the same in all
    runs = {place: _read_run(path, task, sheets) for place, path in files.items()}
    # Sorted by language alone: every language is one block.
    rows = pl.concat(sheets).unique(maintain_order=True).sort("language", maintain_order=True).with_row_index("row")
    blocks = rows.group_by("language", maintain_order=True).len()
    same_size = blocks["len"].n_unique() == 1
    shared = task.is_parallel and (task.item_column == "id" or same_size)
    places = [
        sheet.join(rows, on=ITEM_COLUMNS, how="left", maintain_order="left")["row"].to_numpy() for sheet in sheets
    ]
    found = np.full((2, chains, seeds, rows.height), np.nan)
    for (chain, seed), (sheet, values) in runs.items():
        found[:, chain, seed, places[sheet]] = values
    parts = ItemParts(
        numerator=found[0],
        denominator=found[1],
        bounds=(0, *blocks["len"].cum_sum()),
        items=_number_items(rows["item"]) if shared else np.arange(rows.height),
    )
    return tuple(blocks["language"]), parts


def _number_items(items: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Equal items get equal numbers, from 0."""
    names = items.unique(maintain_order=True).to_frame().with_row_index("number")
    numbered = items.to_frame().join(names, on=items.name, how="left", maintain_order="left")
    return numbered["number"].cast(pl.Int64).to_numpy()


def _read_run(path: Path, task: Task, sheets: list[pl.DataFrame]) -> tuple[int, Array]:
    """The number of the run's sheet, which is added to `sheets` if it is new, and its PARTS x rows."""
    name = "/".join(path.parts[-2:])
    try:
        scan = pl.scan_parquet(path, glob=False)
        if not {*PART_COLUMNS} <= {*scan.collect_schema().names()}:
            raise NoItemsError(f"{name} is of an older version, without the scores of single items")
        own = scan.filter(target=task.name, split="test").select("language", *PART_COLUMNS, item=task.item_column)
        rows = own.drop_nulls(PART_COLUMNS).collect()
    except (PolarsError, OSError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise NoItemsError(f"{name} cannot be read: {line}") from error
    sheet = rows.select(ITEM_COLUMNS)
    number = next((i for i, known in enumerate(sheets) if known.equals(sheet)), len(sheets))
    if number == len(sheets):
        if sheet.is_empty() or sum(sheet.null_count().row(0)) or sheet.is_duplicated().any():
            raise NoItemsError(f"{name} is damaged: {task.name} has no items, or some without a name or twice")
        sheets.append(sheet)
    return number, rows.select(PART_COLUMNS).to_numpy().T
