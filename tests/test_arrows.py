"""Folders import only to the left: spaces <- trainables <- search, and analysis -> spaces."""

import ast
import subprocess
import sys
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


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_left(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    names = imported(path)
    assert names & set(ALLOWED) <= ALLOWED[folder]
    for package, folders in OUTSIDE.items():
        assert package not in names or folder in folders, f"{path} imports {package}"
    if folder == "spaces":
        assert names <= set(sys.stdlib_module_names) | {"spaces"}


def test_only_one_trainable_file_knows_ray() -> None:
    assert [path.name for path in (ROOT / "trainables").rglob("*.py") if "ray" in imported(path)] == ["stage_trial.py"]


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys\nfrom search.run import main\n"
        "try:\n main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch','ray','transformers','datasets','polars','optuna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_every_source_file_can_be_read_in_one_go() -> None:
    long = {str(path.relative_to(ROOT)): n for path in FILES if (n := len(path.read_text().splitlines())) > 300}
    assert not long
