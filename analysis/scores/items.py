"""Kept predictions to what each test item brings to each run that counts, one target at a time.

Of a file only the rows of the target are read, and of these the columns that name an item and make its score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from analysis.statistics.items import Parts
from analysis.statistics.moments import Array
from spaces.prediction_columns import PREDICTIONS
from spaces.task import Task

PARTS = ("numerator", "denominator")
KEY = ("language", "item")

Files = Mapping[tuple[int, int], Path]  # places of chain and seed -> what the run that counts predicted


class NoItemsError(Exception):
    """Why scores cannot be taken apart into items: the beginning of a sentence."""


def stage_file(homes: Sequence[Path], stage: str) -> Path | None:
    """The predictions of a stage, if it left any; `homes` are folders of stages."""
    paths = (home / stage / PREDICTIONS for home in homes)
    return next((path for path in paths if path.is_file()), None)


def read_parts(files: Files, task: Task, chains: int, seeds: int) -> tuple[tuple[str, ...], Parts]:
    """The languages of a target, and what its items bring to each of `chains` x `seeds` runs; NaN where no file is.

    Where the task's languages are translations of each other they share their items: by id, or by place. By place only
    if all have as many, since rows that one of them lacks would shift it against the others.

    Raises:
        NoItemsError: a file is damaged, of an older version, or has no items of the target.
    """
    sheets: list[pl.DataFrame] = []  # the items of a run, as they stand: nearly always the same in all
    runs = {place: _read(path, task, sheets) for place, path in files.items()}
    # Sorted by language alone: every language is one block.
    rows = pl.concat(sheets).unique(maintain_order=True).sort("language", maintain_order=True).with_row_index("row")
    blocks = rows.group_by("language", maintain_order=True).len()
    same_size = blocks["len"].n_unique() == 1
    shared = task.parallel and (task.item == "id" or same_size)
    places = [sheet.join(rows, on=KEY, how="left", maintain_order="left")["row"].to_numpy() for sheet in sheets]
    found = np.full((2, chains, seeds, rows.height), np.nan)
    for (chain, seed), (sheet, values) in runs.items():
        found[:, chain, seed, places[sheet]] = values
    parts = Parts(
        numerator=found[0],
        denominator=found[1],
        bounds=(0, *blocks["len"].cum_sum()),
        items=_numbers(rows["item"]) if shared else np.arange(rows.height),
    )
    return tuple(blocks["language"]), parts


def _numbers(items: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Equal items get equal numbers, from 0."""
    names = items.unique(maintain_order=True).to_frame().with_row_index("number")
    numbered = items.to_frame().join(names, on=items.name, how="left", maintain_order="left")
    return numbered["number"].cast(pl.Int64).to_numpy()


def _read(path: Path, task: Task, sheets: list[pl.DataFrame]) -> tuple[int, Array]:
    """The number of the run's sheet, which is added to `sheets` if it is new, and its PARTS x rows."""
    name = "/".join(path.parts[-2:])
    try:
        scan = pl.scan_parquet(path, glob=False)
        if not {*PARTS} <= {*scan.collect_schema().names()}:
            raise NoItemsError(f"{name} is of an older version, without the scores of single items")
        own = scan.filter(target=task.name, split="test").select("language", *PARTS, item=task.item)
        rows = own.drop_nulls(PARTS).collect()
    except (PolarsError, OSError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise NoItemsError(f"{name} cannot be read: {line}") from error
    sheet = rows.select(KEY)
    number = next((i for i, known in enumerate(sheets) if known.equals(sheet)), len(sheets))
    if number == len(sheets):
        if sheet.is_empty() or sum(sheet.null_count().row(0)) or sheet.is_duplicated().any():
            raise NoItemsError(f"{name} is damaged: {task.name} has no items, or some without a name or twice")
        sheets.append(sheet)
    return number, rows.select(PARTS).to_numpy().T
