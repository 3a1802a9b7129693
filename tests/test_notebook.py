"""The notebook in examples/ runs from top to bottom, and its stored outputs are those of its code."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.paths import ROOT, tiny_sweep

RECORDER = runpy.run_path(str(ROOT / "docs" / "record_notebook.py"))
NOTEBOOK = RECORDER["NOTEBOOK"]
MOST_BYTES = 200_000
ABSOLUTE_PATH = re.compile(r"(?:^|[\s\"'=(])(?:/|~/|[A-Z]:\\)\w[^\s<]*", re.MULTILINE)


@pytest.fixture
def notebook() -> NotebookNode:
    """The stored notebook."""
    return RECORDER["read_notebook"]()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter writes nothing into the home folder, and no kernel of a user's own is taken."""
    for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))


def texts_of(cell: NotebookNode) -> list[str]:
    """What a cell printed and the text of what it shows, pictures and HTML left out."""
    return [str(each.get("text", each.get("data", {}).get("text/plain"))) for each in cell.outputs]


def iter_strings(value: Any) -> Iterator[str]:
    """Yield every text in the outputs of a cell, but for pictures."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key != "image/png":
                yield from iter_strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from iter_strings(each)
    elif isinstance(value, str):
        yield value


def cut_before_size(notebook: NotebookNode) -> None:
    """Leave part one: the cells before the one that says how large the search is."""
    tagged = [RECORDER["SIZE_TAG"] in cell.metadata.get("tags", ()) for cell in notebook.cells]
    del notebook.cells[tagged.index(True) :]


def test_outputs_are_those_of_the_stored_code(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert notebook.metadata["recorded_code"] == RECORDER["checksum_code"](notebook), "run docs/record_notebook.py"
    assert [cell.execution_count for cell in RECORDER["list_code"](notebook)] == [
        *range(1, 1 + len(RECORDER["list_code"](notebook)))
    ]
    assert NOTEBOOK.stat().st_size < MOST_BYTES


def test_outputs_name_no_folder_of_the_machine_that_made_them(notebook: NotebookNode) -> None:
    for cell in RECORDER["list_code"](notebook):
        for text in iter_strings(cell.outputs):
            assert not ABSOLUTE_PATH.findall(text), f"{cell.id}: {ABSOLUTE_PATH.findall(text)}"
            assert "\x1b" not in text, f"{cell.id} shows control characters of a terminal"


@pytest.mark.parametrize("text", ["/home/me/runs", "in /tmp/x: 3", "'/data'", "file=/a", "~/runs", "C:\\runs"])
def test_an_absolute_path_is_seen(text: str) -> None:
    assert ABSOLUTE_PATH.search(text)
    assert not ABSOLUTE_PATH.search("python analysis/rank.py runs/first-look </td> 3/10 http://a.b/c and / or")


def test_links_lead_to_files(notebook: NotebookNode) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", "\n".join(cell.source for cell in notebook.cells))
    assert links and [link for link in links if not (NOTEBOOK.parent / link).exists()] == []


def test_part_one_shows_what_is_stored(notebook: NotebookNode, tmp_path: Path) -> None:
    cut_before_size(notebook)
    stored = [texts_of(cell) for cell in RECORDER["list_code"](notebook)]
    RECORDER["execute"](notebook, tmp_path)
    assert [texts_of(cell) for cell in RECORDER["list_code"](notebook)] == stored
    assert sum(map(len, stored)) >= 8


def test_an_error_names_the_cell(notebook: NotebookNode, tmp_path: Path) -> None:
    notebook.cells = [nbformat.v4.new_code_cell("unknown_name + 1")]
    with pytest.raises(CellExecutionError, match=r"unknown_name \+ 1[\s\S]*NameError"):
        RECORDER["execute"](notebook, tmp_path)


def test_the_size_of_the_search_is_set_by_name(notebook: NotebookNode) -> None:
    RECORDER["set_size"](notebook, SEEDS="0")
    assert sum(cell.source.endswith("\nSEEDS = '0'") for cell in notebook.cells) == 1
    with pytest.raises(ValueError, match="does not set SEED"):
        RECORDER["set_size"](notebook, SEED="0")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_notebook_searches_and_ranks(notebook: NotebookNode, tmp_path: Path) -> None:
    """With every training cut to a few steps. A second run of the search, in the same results, trains nothing."""
    RECORDER["set_size"](notebook, INTERMEDIATES="ccg", TARGETS="udpos", SEEDS="0", RESULTS=str(tmp_path / "runs"))
    [run] = [cell for cell in notebook.cells if "search/run.py" in cell.source and cell.cell_type == "code"]
    run.source = run.source.replace("search/run.py", str(Path(tiny_sweep()[1]).relative_to(ROOT)), 1)
    notebook.cells.insert(notebook.cells.index(run) + 1, nbformat.v4.new_code_cell(run.source))
    RECORDER["execute"](notebook, tmp_path)
    outputs = {cell.id: "\n".join(texts_of(cell)) for cell in RECORDER["list_code"](notebook)}
    first, again = (text for text in outputs.values() if "first-look: " in text)
    assert re.search(r"\[\d+ s\] .* of 5 stages", first) and "first-look: 5 stages run, 0 reused" in first
    assert "first-look: 0 stages run, 5 reused" in again and "\x1b" not in first
    assert all(name in outputs["own-scores"] for name in ("none", "ccg", "random-encoder"))
    assert "udpos" in outputs["own-gains"] and "Image" in outputs["own-matrix"]
