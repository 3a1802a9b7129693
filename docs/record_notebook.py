"""Run examples/first-look.ipynb from top to bottom and store its outputs in it.

    python docs/record_notebook.py

Run it after every change of the notebook's code. The search of part two runs for real, with its results in an empty
folder. The notebook keeps a checksum of the code that made its outputs, by which tests/test_notebook.py sees that no
cell was changed since.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples" / "first-look.ipynb"
SIZE_TAG = "parameters"  # of the cell that says how large the search is; it comes first in part two
SECONDS_PER_CELL = 1800


def read_notebook(path: Path = NOTEBOOK) -> NotebookNode:
    """Return a notebook as stored, in the current format."""
    return nbformat.read(path, as_version=4)


def list_code(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that are executed."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def checksum_code(notebook: NotebookNode) -> str:
    """Return a checksum of the source of all code cells."""
    sources = "\0".join(cell.source for cell in list_code(notebook))
    return hashlib.sha256(sources.encode()).hexdigest()


def set_size(notebook: NotebookNode, **values: str) -> None:
    """Give names of the cell that says how large the search is other values. Raise ValueError for an unknown name."""
    [cell] = [cell for cell in notebook.cells if SIZE_TAG in cell.metadata.get("tags", ())]
    for name, value in values.items():
        if f"{name} = " not in cell.source:
            raise ValueError(f"the cell tagged {SIZE_TAG!r} does not set {name}.")
        cell.source += f"\n{name} = {value!r}"


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Execute all cells with this interpreter and this checkout, where the notebook lies; outputs go into the cells.

    `folder` takes what IPython writes for itself, and a user's own start-up files are not read. Raises
    nbclient.exceptions.CellExecutionError with the source of the cell that failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    client.execute(env=environment)


def record(notebook: NotebookNode) -> None:
    """Execute a copy of the notebook with its results in an empty folder, and store the outputs."""
    copy = nbformat.from_dict(notebook)
    with tempfile.TemporaryDirectory() as folder:
        set_size(copy, RESULTS=f"{folder}/runs")
        execute(copy, Path(folder))
        for cell, executed in zip(list_code(notebook), list_code(copy), strict=True):
            cell.outputs = _remove_folder(executed.outputs, folder)
            cell.execution_count = executed.execution_count
    notebook.metadata["recorded_code"] = checksum_code(notebook)


def _remove_folder(value: Any, folder: str) -> Any:
    """Return outputs with paths given from `folder`, as a reader's are from the checkout."""
    if isinstance(value, dict):
        return NotebookNode({key: _remove_folder(each, folder) for key, each in value.items()})
    if isinstance(value, list):
        return [_remove_folder(each, folder) for each in value]
    return value.replace(f"{folder}/", "") if isinstance(value, str) else value


def main() -> int:
    """Record the notebook; returns the exit code."""
    notebook = read_notebook()
    record(notebook)
    nbformat.write(notebook, NOTEBOOK)
    print(f"written: {NOTEBOOK.relative_to(ROOT)} ({NOTEBOOK.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
