"""What is said about nodes that lack something, from made-up and from real folders; without Ray."""

import dataclasses
from pathlib import Path

import pytest

from search.cluster.node_checks import NodeFacts, collect_node_facts, compare_versions, find_node_problems
from search.cluster.node_watch import IDLE_WARNING_AFTER, NodeNews
from search.request.resources import Node, ResourceRequest
from trainables.data.task_data import DataSource
from trainables.record.context import StageContext
from trainables.storage.base import write_text
from trainables.storage.open import open_storage


@pytest.fixture
def place(tmp_path: Path) -> StageContext:
    for folder in ("results", "data/google/xtreme", "model"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "google" / "xtreme" / "test.parquet").write_bytes(b"1234")
    (tmp_path / "model" / "config.json").write_text("{}")
    return StageContext(
        results=open_storage(str(tmp_path / "results")),
        source=DataSource(benchmark="xtreme", data=str(tmp_path / "data")),
        model=str(tmp_path / "model"),
    )


def facts(place: StageContext, results: Path | str | None = None) -> NodeFacts:
    write_text(place.results, "marker", "ours")
    where = place.results.url if results is None else str(results)
    return collect_node_facts(where, place.source.data, place.model, "marker", "answer")


def test_a_node_that_has_everything_is_fine(place: StageContext) -> None:
    here = facts(place)
    assert find_node_problems("n", here, here, place, place.results.has("answer")) == []
    assert compare_versions({"n": here}, here) == []


def test_a_results_folder_of_the_node_s_own_is_named(place: StageContext, tmp_path: Path) -> None:
    here, there = facts(place), facts(place, results=tmp_path / "own")
    (line,) = find_node_problems("n", there, here, place, answered=False)
    assert "is not shared with node n" in line and place.results.url in line
    (line,) = find_node_problems("n", here, here, place, answered=False)
    assert "node n cannot write into" in line


@pytest.mark.parametrize(("field", "flag"), [("data", "--data"), ("model", "--model")])
def test_folders_must_be_there_and_the_same(place: StageContext, field: str, flag: str) -> None:
    here = facts(place)
    for value, how in ((None, "is not there"), ("other", "is another one")):
        changed = dataclasses.replace(here, **{field: value})  # type: ignore[arg-type]
        (line,) = find_node_problems("n", changed, here, place, answered=True)
        assert line.startswith(flag) and how in line and "on node n" in line


def test_other_contents_are_seen(place: StageContext) -> None:
    before = facts(place)
    (Path(str(place.source.data)) / "google" / "xtreme" / "test.parquet").write_bytes(b"12345")
    assert facts(place).data != before.data and facts(place).model == before.model


def test_an_error_of_a_place_is_one_line(place: StageContext) -> None:
    here, there = facts(place), facts(place, results="ftp://nowhere/runs")
    (line,) = find_node_problems("n", there, here, place, answered=False)
    assert line.startswith("node n: results") and "\n" not in line


def test_other_versions_are_a_note_and_missing_packages_a_problem(place: StageContext) -> None:
    here = facts(place)
    old = dataclasses.replace(here, versions={**here.versions, "torch": "1.0"})
    lacking = dataclasses.replace(here, versions={**here.versions, "transformers": "not installed"})
    assert find_node_problems("n", old, here, place, answered=True) == []
    (line,) = compare_versions({"a": old, "b": old, "c": here}, here)
    assert "torch" in line and "1.0 on a, b" in line
    (line,) = find_node_problems("n", lacking, here, place, answered=True)
    assert "node n has no transformers" in line
    assert compare_versions({"n": lacking}, here) == []


def test_news_of_nodes_are_said_once() -> None:
    small, large = Node("small", 4, 0), Node("large", 4, 1)
    news = NodeNews(ResourceRequest(1, 1.0), {"s": small, "l": large})
    both = {"s": small, "l": large}
    assert news.describe_changes(both, True, 0) == []
    (line,) = news.describe_changes({"s": small}, True, 10)
    assert "node large is lost" in line
    assert news.describe_changes({"s": small}, False, 20) == []
    (line,) = news.describe_changes({"s": small}, False, 10 + IDLE_WARNING_AFTER)
    assert "none of the 1 nodes that are left is large enough for a trial of 1 CPU and 1 GPU" in line
    assert "same command continues" in line
    assert news.describe_changes({"s": small}, False, 20 + 2 * IDLE_WARNING_AFTER) == []
    (line,) = news.describe_changes(both, False, 30 + 2 * IDLE_WARNING_AFTER)
    assert "node large has joined" in line
    assert news.describe_changes(both, True, 40 + 2 * IDLE_WARNING_AFTER) == []
    (line,) = news.describe_changes(both, False, 40 + 3 * IDLE_WARNING_AFTER)
    assert "other work has the cluster" in line
