"""Tables of features on disk, memory-mapped: built by one process, shared by all processes of a machine.

A table is a folder with one `.npy` file per array and `table.json`. Opening it reads no array: pages are read when they
are needed, and the system keeps one copy of them for all processes that map them.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.features.feature_table import FeatureTable
from trainables.storage.files import write_folder
from trainables.worker.heartbeat import take_lock

VERSION = 1  # of the format; raise it when arrays change their meaning
TABLE_FILE = "table.json"


class DamagedTableError(Exception):
    """A folder that holds no whole table."""


def write_table(table: FeatureTable, folder: Path) -> None:
    """Write the table as a whole folder, in place of what was there."""

    def fill(temporary: Path) -> None:
        for name, array in table.arrays().items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        about = {
            "version": VERSION,
            "per_position": table.per_position,
            "left_out": dict(table.left_out),
            "arrays": {name: [str(array.dtype), *array.shape] for name, array in table.arrays().items()},
        }
        (temporary / TABLE_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")

    write_folder(folder, fill)


def open_table(folder: Path) -> FeatureTable:
    """The memory-mapped table of a folder; raises DamagedTableError for one that is not whole.

    Headers and sizes are checked, contents are not: that would read them.
    """
    try:
        about = json.loads((folder / TABLE_FILE).read_text(encoding="utf-8"))
        if about["version"] != VERSION:
            raise ValueError(f"it has version {about['version']}, not {VERSION}.")
        arrays = {name: _map_array(folder / f"{name}.npy", *form) for name, form in about["arrays"].items()}
        return FeatureTable(per_position=about["per_position"], left_out=about["left_out"], **arrays)
    except Exception as error:  # whatever a reader makes of damaged bytes, down to errors of Python's own tokenizer
        raise DamagedTableError(f"{folder} holds no whole table: {error}") from error


def _map_array(path: Path, dtype: str, *shape: int) -> NDArray[Any]:
    # A plain array over the mapped memory, since slices of np.memmap objects cost several times as much.
    array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    if (str(array.dtype), array.shape) != (dtype, shape):
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}, not {dtype} {shape}.")
    return array


def open_or_build_table(folder: Path, build: Callable[[], FeatureTable]) -> FeatureTable:
    """The memory-mapped table of a folder, built by the first process that asks for it while the others wait.

    A damaged folder is set aside under the suffix `.damaged`, in place of an earlier one, and built anew.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
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
