"""What is said about nodes that lack something, from made-up and from real folders; without Ray."""

import dataclasses
from pathlib import Path

import pytest

from search.cluster.node_checks import Facts, look, notes, problems
from search.cluster.node_watch import PATIENCE, NodeNews
from search.request.slots import Ask, Node
from trainables.data.data import Source
from trainables.record.places import Place
from trainables.storage.base import write_text
from trainables.storage.open import open_storage


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("results", "data/google/xtreme", "model"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "google" / "xtreme" / "test.parquet").write_bytes(b"1234")
    (tmp_path / "model" / "config.json").write_text("{}")
    return Place(
        results=open_storage(str(tmp_path / "results")),
        source=Source(benchmark="xtreme", data=str(tmp_path / "data")),
        model=str(tmp_path / "model"),
    )


def facts(place: Place, results: Path | str | None = None) -> Facts:
    write_text(place.results, "marker", "ours")
    where = place.results.url if results is None else str(results)
    return look(where, place.source.data, place.model, "marker", "answer")


def test_a_node_that_has_everything_is_fine(place: Place) -> None:
    here = facts(place)
    assert problems("n", here, here, place, place.results.has("answer")) == []
    assert notes({"n": here}, here) == []


def test_a_results_folder_of_the_node_s_own_is_named(place: Place, tmp_path: Path) -> None:
    here, there = facts(place), facts(place, results=tmp_path / "own")
    (line,) = problems("n", there, here, place, answered=False)
    assert "is not shared with node n" in line and place.results.url in line
    (line,) = problems("n", here, here, place, answered=False)
    assert "node n cannot write into" in line


@pytest.mark.parametrize(("field", "flag"), [("data", "--data"), ("model", "--model")])
def test_folders_must_be_there_and_the_same(place: Place, field: str, flag: str) -> None:
    here = facts(place)
    for value, how in ((None, "is not there"), ("other", "is another one")):
        changed = dataclasses.replace(here, **{field: value})  # type: ignore[arg-type]
        (line,) = problems("n", changed, here, place, answered=True)
        assert line.startswith(flag) and how in line and "on node n" in line


def test_other_contents_are_seen(place: Place) -> None:
    before = facts(place)
    (Path(str(place.source.data)) / "google" / "xtreme" / "test.parquet").write_bytes(b"12345")
    assert facts(place).data != before.data and facts(place).model == before.model


def test_an_error_of_a_place_is_one_line(place: Place) -> None:
    here, there = facts(place), facts(place, results="ftp://nowhere/runs")
    (line,) = problems("n", there, here, place, answered=False)
    assert line.startswith("node n: results") and "\n" not in line


def test_other_versions_are_a_note_and_missing_packages_a_problem(place: Place) -> None:
    here = facts(place)
    old = dataclasses.replace(here, versions={**here.versions, "torch": "1.0"})
    lacking = dataclasses.replace(here, versions={**here.versions, "transformers": "not installed"})
    assert problems("n", old, here, place, answered=True) == []
    (line,) = notes({"a": old, "b": old, "c": here}, here)
    assert "torch" in line and "1.0 on a, b" in line
    (line,) = problems("n", lacking, here, place, answered=True)
    assert "node n has no transformers" in line
    assert notes({"n": lacking}, here) == []


def test_news_of_nodes_are_said_once() -> None:
    small, large = Node("small", 4, 0), Node("large", 4, 1)
    news = NodeNews(Ask(1, 1.0), {"s": small, "l": large})
    both = {"s": small, "l": large}
    assert news.lines(both, True, 0) == []
    (line,) = news.lines({"s": small}, True, 10)
    assert "node large is lost" in line
    assert news.lines({"s": small}, False, 20) == []
    (line,) = news.lines({"s": small}, False, 10 + PATIENCE)
    assert "none of the 1 nodes that are left is large enough for a trial of 1 CPU and 1 GPU" in line
    assert "same command continues" in line
    assert news.lines({"s": small}, False, 20 + 2 * PATIENCE) == []
    (line,) = news.lines(both, False, 30 + 2 * PATIENCE)
    assert "node large has joined" in line
    assert news.lines(both, True, 40 + 2 * PATIENCE) == []
    (line,) = news.lines(both, False, 40 + 3 * PATIENCE)
    assert "other work has the cluster" in line
