"""The shape of the code: one class per name, short signatures, files that can be read in one go."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.paths import ROOT

FILES = sorted(path for top in ("spaces", "trainables", "search", "analysis") for path in (ROOT / top).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
LENGTHS = range(30, 251)  # lines of a file
TABLES = {  # files that hold rows, which may be longer or shorter
    "spaces/miniature.py",
    "spaces/xtreme.py",
    "spaces/xtreme_r.py",
    "spaces/prediction_columns.py",
}
MOST_POSITIONAL = 6


def test_no_class_name_is_defined_twice() -> None:
    defined = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                defined[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in defined.items() if len(paths) > 1} == {}


def test_no_function_has_many_positional_parameters() -> None:
    long = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
                if len([name for name in names if name not in ("self", "cls")]) > MOST_POSITIONAL:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not long


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if path.name != "__init__.py" and name not in TABLES:
        assert lines in LENGTHS, f"{name} has {lines} lines"


def test_tables_are_named_only_where_they_are_needed() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in TABLES}
    assert {name for name, lines in lengths.items() if lines not in LENGTHS} <= TABLES
    assert all((ROOT / name).is_file() for name in TABLES)
