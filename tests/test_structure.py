"""The shape of the code: one class per name, short signatures, files that can be read in one go."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.paths import ROOT

FILES = sorted(path for top in ("spaces", "trainables", "search", "analysis") for path in (ROOT / top).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
LENGTHS = range(30, 251)  # lines of a file
TABLES = {"spaces/pretraining_sizes.py"}  # files that hold rows, which may be longer or shorter
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


def opens_text(call: ast.Call) -> bool:
    """True for a call that reads or writes text in the encoding of the locale."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    flags = {keyword.arg for keyword in call.keywords}
    if "encoding" in flags or (owner in ("os", "shutil", "webbrowser") and name == "open"):
        return False
    if name in ("read_text", "NamedTemporaryFile", "TextIOWrapper", "getpreferredencoding"):
        return not (name == "read_text" and call.args)  # pathlib's, with its encoding by position
    if name == "write_text":
        return isinstance(call.func, ast.Attribute)  # the project's own function is no method
    if name in ("open", "fdopen"):
        return not any(isinstance(node, ast.Constant) and "b" in str(node.value)[:3] for node in call.args)
    return owner == "subprocess" and bool(flags & {"text", "universal_newlines"})


def test_every_text_file_has_an_encoding() -> None:
    """Files are UTF-8 on every machine: the encoding of the locale is never asked."""
    paths = [*FILES, *(path for folder in ("docs", "examples") for path in (ROOT / folder).glob("*.py"))]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        for node in ast.walk(TREES.get(path) or ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and opens_text(node)
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "expected"),
    [("p.open('w')", True), ("open(x)", True), ("p.read_text()", True), ("p.open('rb')", False), ("os.open(p)", False)],
)
def test_a_call_without_an_encoding_is_seen(code: str, expected: bool) -> None:
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert opens_text(call) is expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if path.name != "__init__.py" and name not in TABLES:
        assert lines in LENGTHS, f"{name} has {lines} lines"


def test_tables_are_named_only_where_they_are_needed() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in TABLES}
    assert {name for name, lines in lengths.items() if lines not in LENGTHS} == TABLES
