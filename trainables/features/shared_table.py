"""Tables of features on disk, memory-mapped: built by one process, shared by all processes of a machine.

A table is a folder with one `.npy` file per array and `table.json`. Opening it reads no array: pages are read when they
are used, and the system keeps one copy of them for all processes.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.whole_files import write_folder
from trainables.features.feature_table import FeatureTable
from trainables.worker.heartbeat import take_lock

VERSION = 1  # of the format; raised when arrays change their meaning
TABLE_FILE = "table.json"


class DamagedTableError(Exception):
    """A folder that does not hold a complete table."""


def write_table(table: FeatureTable, folder: Path) -> None:
    """Write a table as a folder, complete or not at all, in place of an earlier one."""

    def fill(temporary: Path) -> None:
        for name, array in table.arrays().items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        description = {
            "version": VERSION,
            "per_position": table.per_position,
            "left_out": dict(table.left_out),
            "arrays": {name: [str(array.dtype), *array.shape] for name, array in table.arrays().items()},
        }
        (temporary / TABLE_FILE).write_text(json.dumps(description, indent=1), encoding="utf-8")

    folder.parent.mkdir(parents=True, exist_ok=True)
    write_folder(folder, fill)


def open_table(folder: Path) -> FeatureTable:
    """Return the memory-mapped table of a folder; raises DamagedTableError if it is not complete.

    Headers and sizes are checked. Contents are not, because that would read them.
    """
    try:
        stored = json.loads((folder / TABLE_FILE).read_text(encoding="utf-8"))
        if stored["version"] != VERSION:
            raise ValueError(f"it has version {stored['version']}, not {VERSION}.")
        arrays = {name: _map_array(folder / f"{name}.npy", *form) for name, form in stored["arrays"].items()}
        return FeatureTable(per_position=stored["per_position"], left_out=stored["left_out"], **arrays)
    except Exception as error:  # damaged bytes raise many errors, even those of Python's own tokenizer
        raise DamagedTableError(f"{folder} is not a complete table: {error}") from error


def _map_array(path: Path, dtype: str, *shape: int) -> NDArray[Any]:
    # A plain array over the mapped memory: slicing np.memmap objects takes several times as long.
    array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    if (str(array.dtype), array.shape) != (dtype, shape):
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}, not {dtype} {shape}.")
    return array


def open_or_build_table(folder: Path, build: Callable[[], FeatureTable]) -> FeatureTable:
    """Return the memory-mapped table of a folder; the first process builds it if it is missing, and the others wait.

    A damaged folder is renamed with the suffix `.damaged`, in place of an earlier one, and the table is built again.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        take_lock(lock)
        if folder.exists():
            try:
                return open_table(folder)
            except DamagedTableError:
                damaged = folder.with_suffix(".damaged")
                shutil.rmtree(damaged, ignore_errors=True)
                folder.rename(damaged)
        write_table(build(), folder)
        return open_table(folder)
