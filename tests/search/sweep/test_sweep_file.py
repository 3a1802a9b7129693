"""The sweep's own file: it may grow, other changes are refused with the difference, and one run has it at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from search.schedulers.race import RaceStanding
from search.sweep.sweep_file import (
    check_growth,
    check_sweep,
    lock_results,
    quarantine_damaged_sweep,
    read_sweep,
    write_sweep,
)
from spaces.errors import UsageError
from spaces.named_spaces import SPACES
from spaces.plan import Stratum
from tests.search.asked import request_of
from trainables.storage.local_storage import LocalStorage

SPEC = {"space": "full", "benchmark": "miniature", "intermediates": ["none", "mnli"], "targets": ["xnli"]}
SPEC |= {"learning_rates": [1e-3], "seeds": [0], "floors": [], "limit": None, "data": {"target xnli": "a"}}


def write(folder: Path, name: str = "s", **fields: Any) -> dict[str, Any] | None:
    """Write a sweep's file with these fields; returns what is read back."""
    write_sweep(
        LocalStorage(folder),
        name,
        **{"spec": SPEC, "stages": {}, "sources": {}, "repositories": {}, "strata": (), **fields},
    )
    return read_sweep(LocalStorage(folder), name)


def test_it_reads_back(tmp_path: Path) -> None:
    stratum = Stratum(kind="target", task="xnli", intermediate="none", seed=0, parent="parent", rates=(1e-3, 2e-3))
    record = write(tmp_path, stages={"key": "stratum"}, strata=[stratum])
    assert record is not None and record["spec"] == SPEC and record["stages"] == {"key": "stratum"}
    assert record["planned"] == {"target.xnli.none.0": {"arms": 2, "parent": "parent"}}
    assert record["versions"]["python"]
    assert record["decided"] == {}
    assert read_sweep(LocalStorage(tmp_path), "other") is None


def test_it_says_which_chains_a_race_decided(tmp_path: Path) -> None:
    race = RaceStanding(seeds=(5, 3, 8, 1), complete_seeds=4, decided={"ccg": 3}, exempt=frozenset({"none"}))
    record = write(tmp_path, stages={"key": "stratum"}, decided=race.decisions)
    assert record is not None and record["decided"] == {"ccg": {"after": [5, 3, 8], "of": 4}}


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [0, 1]},
        {"intermediates": ["none", "ccg", "mnli"]},
        {"learning_rates": [5e-4, 1e-3]},
        {"floors": ["random-encoder"]},
        {"data": {"target xnli": "a", "target udpos": "b"}},
        {"space": "own"},
        {"chain_seeds": {"none": [0, 1, 2]}},
    ],
)
def test_what_only_adds_is_allowed(change: dict[str, object]) -> None:
    check_growth(SPEC, {**SPEC, **change}, "sweep")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1]}, r"seeds: was \[0\], now \[1\]"),
        ({"benchmark": "xtreme"}, 'was "miniature", now "xtreme"'),
        ({"limit": 5}, "limit: was null, now 5"),
        ({"data": {"target xnli": "z"}}, 'data: target xnli was "a", now "z"'),
        ({"learning_rates": {"low": 1e-4, "high": 1e-3, "draws": 4}}, "learning_rates"),
    ],
)
def test_any_other_change_is_refused_with_the_difference(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_growth(SPEC, {**SPEC, **change}, "sweep")


def test_seeds_of_single_chains_may_grow_or_become_seeds_of_all_and_no_chain_may_lose_one() -> None:
    old = {**SPEC, "chain_seeds": {"none": [0, 1, 2], "mnli": [0, 3]}}
    check_growth(old, {**old, "chain_seeds": {"none": [0, 1, 2, 5], "mnli": [0, 3], "ccg": [0, 9]}}, "sweep")
    check_growth(old, {**old, "seeds": [0, 1, 2], "chain_seeds": {"mnli": [0, 1, 2, 3]}}, "sweep")
    check_growth(old, {**SPEC, "seeds": [0, 1, 2, 3]}, "sweep")
    for lost in ({"none": [0, 1, 2], "mnli": [0, 4]}, {"mnli": [0, 3]}, {}):
        with pytest.raises(UsageError, match=r"chain_seeds: none was|chain_seeds: mnli was"):
            check_growth(old, {**old, "chain_seeds": lost}, "sweep")
    with pytest.raises(UsageError, match=r"chain_seeds: was .* now null"):
        check_growth(old, SPEC, "sweep")


def test_a_range_may_get_more_draws() -> None:
    axis = {"low": 1e-4, "high": 1e-3, "draws": 4}
    old = {**SPEC, "learning_rates": axis}
    check_growth(old, {**SPEC, "learning_rates": {**axis, "draws": 5}}, "sweep")
    with pytest.raises(UsageError, match="learning_rates"):
        check_growth(old, {**SPEC, "learning_rates": {**axis, "draws": 3}}, "sweep")


@pytest.mark.parametrize(
    "text", ["[]", "1", '{"a": 1}', '{"spec": 1, "stages": {}}', '{"version": 2, "spec": {}, "stages": {}}']
)
def test_a_foreign_or_newer_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "sweep.json").write_text(text)
    for read in (read_sweep, quarantine_damaged_sweep):
        with pytest.raises(
            UsageError, match=r"is not a sweep's file|has version 2, but this program reads versions up to 1"
        ):
            read(LocalStorage(tmp_path), "s")
    assert (tmp_path / "s" / "sweep.json").read_text() == text


@pytest.mark.parametrize(
    "text", ["", "{", "\x00" * 50, '{"spec": {}, "stages": {"../../x": "s"}}', '{"spec": {}, "stages": {"a": "../x"}}']
)
def test_a_damaged_file_is_set_aside_and_forbids_nothing(tmp_path: Path, text: str) -> None:
    results = LocalStorage(tmp_path)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "sweep.json").write_text(text)
    with pytest.raises(UsageError, match=r"is damaged .*\. Run the sweep again: it rewrites the file"):
        read_sweep(results, "s")
    check_sweep(results, "s", SPEC)
    assert (tmp_path / "s" / "sweep.json").read_text() == text, "without the lock nothing is changed"
    line = quarantine_damaged_sweep(results, "s")
    assert line is not None and "the flags cannot be checked" in line and line.endswith("-> s/sweep.json.damaged")
    assert (tmp_path / "s" / "sweep.json.damaged").read_text() == text
    assert read_sweep(results, "s") is None and quarantine_damaged_sweep(results, "s") is None


@pytest.mark.parametrize("spoiled", [None, 1, "x", [], {}, [{}], {"draws": None}])
def test_damage_within_a_specification_is_a_difference(spoiled: object) -> None:
    ranged = {**SPEC, "learning_rates": {"low": 1e-4, "high": 1e-3, "draws": 4}}
    for old in (SPEC, ranged):
        for field in ("intermediates", "learning_rates"):
            if spoiled != []:  # nothing to add to
                with pytest.raises(UsageError, match=field):
                    check_growth({**old, field: spoiled}, old, "sweep")


def test_a_results_folder_serves_one_run_at_a_time(tmp_path: Path) -> None:
    lock = lock_results(LocalStorage(tmp_path))
    with pytest.raises(UsageError, match=r"in use by process \d+"):
        lock_results(LocalStorage(tmp_path))
    lock.release()
    lock_results(LocalStorage(tmp_path)).release()


def test_the_strata_of_every_named_space_can_be_read_again(tmp_path: Path) -> None:
    for space in SPACES:
        request = request_of("--space", space)
        stages = {f"key{number}": stratum.id for number, stratum in enumerate(request.plan)}
        record = write(tmp_path, space, stages=stages)
        assert record is not None and record["stages"] == stages


def test_the_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    before = (tmp_path / "s" / "sweep.json").read_text()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path, spec={**SPEC, "seeds": [0, 1]})
    assert (tmp_path / "s" / "sweep.json").read_text() == before
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["sweep.json"]
    assert json.loads(before)["spec"]["seeds"] == [0]
