"""Imports point one way: between the top folders, between the folders below them, and between files."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

ALLOWED = {
    "spaces": {"spaces"},
    "trainables": {"spaces", "trainables"},
    "search": {"spaces", "trainables", "search"},
    "analysis": {"spaces", "analysis"},
}
OUTSIDE = {  # heavy packages, and the folders that may know them
    "ray": {"trainables", "search"},
    "optuna": {"search", "analysis"},  # analysis asks it for importances, and keeps no study
    "torch": {"trainables", "search"},
    "transformers": {"trainables"},
    "datasets": {"trainables"},
    "polars": {"analysis"},
}
FILES = sorted(path for folder in ALLOWED for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def imported(path: Path) -> set[str]:
    """Everything that a file imports anywhere, modules by their full names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path} has a relative import"
            names |= {
                full if (full := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names
            }
    return names


IMPORTS = {module: imported(path) for module, path in MODULES.items()}


def folder_of(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def drawn_layers() -> dict[str, dict[str, int]]:
    """The layers that ARCHITECTURE.md draws, lowest first: for each top folder the layer of each folder in it."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    layers = {}
    for top, line in re.findall(r"^    (\w+) +: (.+)$", text, re.MULTILINE):
        names = [[top if name == "*.py" else f"{top}.{name}" for name in layer.split()] for layer in line.split("<")]
        layers[top] = {name: height for height, layer in enumerate(names) for name in layer}
    return layers


def inner_imports() -> Iterator[tuple[str, str]]:
    for module, names in IMPORTS.items():
        for name in names & MODULES.keys():
            yield module, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_left(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    names = {name.partition(".")[0] for name in IMPORTS[module_of(path)]}
    assert names & set(ALLOWED) <= ALLOWED[folder]
    for package, folders in OUTSIDE.items():
        assert package not in names or folder in folders, f"{path} imports {package}"
    if folder == "spaces":
        assert names <= set(sys.stdlib_module_names) | {"spaces"}


def test_every_folder_stands_in_the_drawing() -> None:
    layers = drawn_layers()
    assert set(layers) == set(ALLOWED)
    assert {name for names in layers.values() for name in names} == {folder_of(module) for module in MODULES}


def test_folders_import_only_lower_layers() -> None:
    layers = drawn_layers()
    wrong = []
    for module, name in inner_imports():
        top, own, other = module.partition(".")[0], folder_of(module), folder_of(name)
        if own != other and name.startswith(f"{top}.") and layers[top][other] >= layers[top][own]:
            wrong.append(f"{module} imports {name}")
    assert not wrong


def _is_free_of_cycles(graph: Mapping[str, set[str]]) -> bool:
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle
    return True


def test_files_import_one_another_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, name in inner_imports():
        if name != module:
            graph.setdefault(module, set()).add(name)
    assert _is_free_of_cycles(graph)


def test_only_one_trainable_file_knows_ray() -> None:
    knowing = [module for module, names in IMPORTS.items() if "ray" in {name.partition(".")[0] for name in names}]
    assert [module for module in knowing if module.startswith("trainables")] == ["trainables.stage_trial"]


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys\nfrom search.run import main\n"
        "try:\n main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch','ray','transformers','datasets','polars','optuna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
