"""Messages about nodes that lack something, from made-up and real folders; without Ray."""

import dataclasses
from pathlib import Path

import pytest

from search.cluster.node_checks import compare_versions
from search.cluster.node_watch import IDLE_WARNING_AFTER, NodeNews
from search.request.resources import Node, ResourceRequest
from spaces import versions
from trainables.data.task_data import DataSource
from trainables.record.context import StageContext
from trainables.record.node_facts import NodeFacts, collect_node_facts, find_node_problems, places_of
from trainables.storage.base import write_text
from trainables.storage.open import open_storage


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    for folder in ("results", "data/google/xtreme", "model"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "google" / "xtreme" / "test.parquet").write_bytes(b"1234")
    (tmp_path / "model" / "config.json").write_text("{}")
    source = DataSource(benchmark="xtreme", data=str(tmp_path / "data"))
    return StageContext(results=open_storage(str(tmp_path / "results")), source=source, model=str(tmp_path / "model"))


def facts(context: StageContext, results: Path | str | None = None) -> NodeFacts:
    write_text(context.results, "marker", "ours")
    places = places_of(context)
    if results is not None:
        places = dataclasses.replace(places, results=str(results))
    return collect_node_facts(places, "marker", "answer")


def test_a_node_that_has_everything_is_fine(context: StageContext) -> None:
    own = facts(context)
    assert find_node_problems("n", own, own, places_of(context), has_answered=context.results.has("answer")) == []
    assert compare_versions({"n": own}, own) == []


def test_a_results_folder_of_the_node_s_own_is_named(context: StageContext, tmp_path: Path) -> None:
    own, other = facts(context), facts(context, results=tmp_path / "own")
    (line,) = find_node_problems("n", other, own, places_of(context), has_answered=False)
    assert "is not shared with node n" in line and context.results.url in line
    (line,) = find_node_problems("n", own, own, places_of(context), has_answered=False)
    assert "node n cannot write into" in line


@pytest.mark.parametrize("named", ["--data", "encoder"])
def test_folders_must_be_there_and_the_same(context: StageContext, named: str) -> None:
    ready = Path(context.results.url).parent / "ready"
    ready.mkdir()
    (ready / "config.json").write_text("{}")
    context = dataclasses.replace(context, ready_encoders={"folder:ready": str(ready)})
    own = facts(context)
    for value, difference in ((None, "is missing"), ({}, "has other contents"), ("abc", "is at commit abc")):
        for place in own.models if named == "encoder" else ("data",):
            change = {"models": {**own.models, place: value}} if named == "encoder" else {"data": value}
            changed = dataclasses.replace(own, **change)  # type: ignore[arg-type]
            (line,) = find_node_problems("n", changed, own, places_of(context), has_answered=True)
            assert line.startswith(named) and difference in line and "on node n" in line


def test_other_contents_are_seen(context: StageContext) -> None:
    before = facts(context)
    (Path(str(context.source.data)) / "google" / "xtreme" / "test.parquet").write_bytes(b"12345")
    assert facts(context).data != before.data and facts(context).models == before.models


def test_an_error_of_a_place_is_one_line(context: StageContext) -> None:
    own, other = facts(context), facts(context, results="ftp://nowhere/runs")
    (line,) = find_node_problems("n", other, own, places_of(context), has_answered=False)
    assert line.startswith("node n: results") and "\n" not in line


def test_other_versions_are_a_note_and_missing_packages_a_problem(context: StageContext) -> None:
    own = facts(context)
    old = dataclasses.replace(own, versions={**own.versions, "torch": "1.0"})
    lacking = dataclasses.replace(own, versions={**own.versions, "transformers": "not installed"})
    assert find_node_problems("n", old, own, places_of(context), has_answered=True) == []
    (line,) = compare_versions({"a": old, "b": old, "c": own}, own)
    assert "torch" in line and "1.0 on a, b" in line
    (line,) = find_node_problems("n", lacking, own, places_of(context), has_answered=True)
    assert "node n has no transformers" in line
    assert compare_versions({"n": lacking}, own) == []


def test_a_node_needs_the_packages_of_the_methods_in_use(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "peft" not in facts(context).versions
    context = dataclasses.replace(context, packages=("peft",))
    own = dataclasses.replace(facts(context), versions={**facts(context).versions, "peft": "0.21.2"})
    monkeypatch.setattr(
        versions, "read_version", lambda name: "not installed" if name == "peft" else own.versions[name]
    )
    (line,) = find_node_problems("n", facts(context), own, places_of(context), has_answered=True)
    assert "node n has no peft. Install" in line
    older = dataclasses.replace(own, versions={**own.versions, "peft": "0.20.0"})
    (note,) = compare_versions({"n": older}, own)
    assert note.startswith("peft is 0.21.2 here and 0.20.0 on n.")


def test_news_of_nodes_are_said_once() -> None:
    small, large = Node("small", 4, 0), Node("large", 4, 1)
    news = NodeNews(ResourceRequest(1, 1.0), {"s": small, "l": large})
    both = {"s": small, "l": large}
    assert news.describe_changes(both, True, 0) == []
    (line,) = news.describe_changes({"s": small}, True, 10)
    assert "node large is lost" in line
    assert news.describe_changes({"s": small}, False, 20) == []
    (line,) = news.describe_changes({"s": small}, False, 10 + IDLE_WARNING_AFTER)
    assert "none of the 1 remaining nodes is large enough for a trial of 1 CPU and 1 GPU" in line
    assert "same command continues" in line
    assert news.describe_changes({"s": small}, False, 20 + 2 * IDLE_WARNING_AFTER) == []
    (line,) = news.describe_changes(both, False, 30 + 2 * IDLE_WARNING_AFTER)
    assert "node large has joined" in line
    assert news.describe_changes(both, True, 40 + 2 * IDLE_WARNING_AFTER) == []
    (line,) = news.describe_changes(both, False, 40 + 3 * IDLE_WARNING_AFTER)
    assert "other work occupies the cluster" in line
