"""The contribution of each test item to each run that counts, from kept predictions, one target at a time.

Only a target's rows are read from a file, and only the columns that name an item and its cluster and make its score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
    the same number of rows, since a missing row would shift the following ones. Items that are in one cluster in any
    language are in one cluster. Raise NoItemsError if a file is damaged, of an older version, or has no items of the
    target.
    """
    sheets: list[pl.DataFrame] = []  # distinct lists of items in file order; nearly always one
    runs = {cell: _read_run(path, task, sheets) for cell, path in files.items()}
    # Sorted by language alone: every language is one block.
    names = pl.concat(sheets).select(ITEM_COLUMNS)
    rows = names.unique(maintain_order=True).sort("language", maintain_order=True).with_row_index("row")
    blocks = rows.group_by("language", maintain_order=True).len()
    same_size = blocks["len"].n_unique() == 1
    shared = task.is_parallel and (task.item_column == "id" or same_size)
    rows = rows.with_columns(number=_number(rows, "item") if shared else pl.col("row").cast(pl.Int64))
    located = [sheet.join(rows, on=ITEM_COLUMNS, how="left", maintain_order="left") for sheet in sheets]
    parts = np.full((2, chains, seeds, rows.height), np.nan)
    for (chain, seed), (sheet, values) in runs.items():
        parts[:, chain, seed, located[sheet]["row"].to_numpy()] = values
    return tuple(blocks["language"]), ItemParts(
        numerator=parts[0],
        denominator=parts[1],
        bounds=(0, *blocks["len"].cum_sum()),
        clusters=_join_items(rows, located) if task.cluster_text else rows["number"].to_numpy(),
    )


def _number(rows: pl.DataFrame, *columns: str) -> pl.Series:
    """Return a number from 0 for each row, equal where the columns are."""
    names = rows.select(columns).unique(maintain_order=True).with_row_index("number")
    numbered = rows.select(columns).join(names, on=columns, how="left", maintain_order="left")
    return numbered["number"].cast(pl.Int64)


def _join_items(rows: pl.DataFrame, located: Sequence[pl.DataFrame]) -> IntArray:
    """Return the cluster of each row: items are joined that any sheet has in one cluster, in any language."""
    sheets = pl.concat([sheet.with_columns(sheet=pl.lit(index)) for index, sheet in enumerate(located)])
    items, clusters = sheets["number"].to_numpy(), _number(sheets, "sheet", "language", "cluster").to_numpy()
    size = int(rows["number"].max()) + 1  # type: ignore[arg-type]
    nodes = size + int(clusters.max()) + 1  # items, then the clusters of the sheets
    links = coo_array((np.ones(len(items), dtype=np.int8), (items, size + clusters)), shape=(nodes, nodes))
    labels = connected_components(links, directed=False)[1]
    return np.asarray(np.unique(labels[rows["number"].to_numpy()], return_inverse=True)[1], dtype=np.int64)


def _read_run(path: Path, task: Task, sheets: list[pl.DataFrame]) -> tuple[int, Array]:
    """Return the index of the run's items in `sheets`, where new ones are added, and its PART_COLUMNS x rows."""
    name = "/".join(path.parts[-2:])
    try:
        scan = pl.scan_parquet(path, glob=False)
        columns = {*scan.collect_schema().names()}
        if not {*PART_COLUMNS} <= columns:
            raise NoItemsError(f"{name} is of an older version, without the scores of single items")
        if task.cluster_text and "cluster" not in columns:
            shared = f"which items of {task.name} share a {task.cluster_text}"
            raise NoItemsError(f"{name} is of an older version and does not say {shared} (a new run does)")
        cluster = pl.col("cluster") if task.cluster_text else pl.lit(0)
        own = scan.filter(target=task.name, split="test")
        own = own.select("language", *PART_COLUMNS, item=task.item_column, cluster=cluster)
        rows = own.drop_nulls(PART_COLUMNS).collect()
    except (PolarsError, OSError) as error:
        raise NoItemsError(f"{name} cannot be read: {first_line_of(error).rstrip('.')}") from error
    sheet = rows.select(*ITEM_COLUMNS, "cluster")
    index = next((i for i, known in enumerate(sheets) if known.equals(sheet)), len(sheets))
    if index == len(sheets):
        if sheet.is_empty() or sum(sheet.null_count().row(0)) or sheet.select(ITEM_COLUMNS).is_duplicated().any():
            reasons = "no items, unnamed items, items without a cluster, or an item twice"
            raise NoItemsError(f"{name} is damaged: {task.name} has {reasons}")
        sheets.append(sheet)
    return index, rows.select(PART_COLUMNS).to_numpy().T
