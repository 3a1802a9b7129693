"""The documents name tests, pages and commands that exist, and keep to their lengths."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.paths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MOST_LINES = {
    "README.md": 180,
    "ARCHITECTURE.md": 130,
    "CONTRIBUTING.md": 60,
    "docs/clusters.md": 145,
    "docs/containers.md": 60,
    "docs/encoders.md": 160,
    "docs/extending.md": 60,
    "docs/fair-comparisons.md": 100,
    "docs/errors.md": 130,
    "docs/glossary.md": 60,
    "docs/gpus.md": 60,
    "docs/laptop.md": 160,
    "docs/limits.md": 60,
    "docs/preview.md": 100,
    "docs/protocol.md": 250,
    "docs/questions.md": 156,
    "docs/reliability.md": 300,
    "docs/results.md": 130,
    "docs/scheduling.md": 80,
    "docs/take-away.md": 100,
    "docs/watching.md": 100,
    "docs/xtreme.md": 165,
}
NAMED_TEST = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)(?:::([\w*]+))?`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SCRIPT = re.compile(r"python ((?:search|analysis|tests|examples|docs)/[\w/]+\.py)")


def test_every_test_that_a_promise_names_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = NAMED_TEST.findall(text)
    assert len(named) > 80
    missing = []
    for file, test in named:
        path = ROOT / "tests" / file
        defined = (
            re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE) if path.exists() else []
        )
        pattern = re.compile(test.replace("*", r"\w*")) if test else re.compile(r"\w+")
        if not any(pattern.fullmatch(name) for name in defined):
            missing.append(f"{file}::{test}")
    assert not missing


def test_every_promise_names_a_test() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    promises = re.split(r"^- \*\*", text, flags=re.MULTILINE)[1:]
    assert len(promises) > 30 and all(NAMED_TEST.search(promise) for promise in promises)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_scripts_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [script for script in SCRIPT.findall(text) if not (ROOT / script).is_file()] == []


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_page_can_be_read_in_one_go(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= MOST_LINES[name]


def test_the_tables_of_recipes_are_those_of_the_program() -> None:
    spec = importlib.util.spec_from_file_location("recipe_tables", ROOT / "docs" / "recipe_tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    written = page.split(module.BEGIN)[1].split(module.END)[0]
    assert written == module.format_tables(), "run `python docs/recipe_tables.py`"
