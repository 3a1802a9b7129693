"""The array of scores against plain loops, for rows of any kind."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.scores import keys
from analysis.scores.keys import compact_keys, find_first_rows, has_duplicate_keys, locate_on_axis, pack_columns
from analysis.scores.load import load
from tests.analysis.sweep_files import read_transfer, write_file

COLUMNS = ("intermediate", "target", "seed", "language", "metric", "value")
MORE = ("learning_rate", "split", "tenth", "status", "official")
METRICS = ("exact_match", "f1")
SHARE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
RUNS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["finished", "finished", "stopped", "degenerate"]),
        "dev": st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=3),
        "test": st.dictionaries(
            st.sampled_from(["en", "de", "fr"]), st.tuples(SHARE | st.none(), SHARE | st.none()), min_size=1
        ),
        "absent": st.booleans(),  # the second metric of every test score
    }
)
CHOICES = (["none", "nli", "qa"], ["xquad", "mlqa"], [0, 7], [1e-5, 2e-5])
ARMS = st.dictionaries(st.tuples(*map(st.sampled_from, CHOICES)), RUNS)
BASE = {"status": "finished", "dev": [(0.5, 0.5)], "test": {"en": (0.5, 0.5)}, "absent": False}

Arms = dict[tuple[str, str, int, float], dict[str, Any]]


def rows_of(arms: Arms) -> list[tuple[Any, ...]]:
    rows = []
    for (intermediate, target, seed, rate), run in arms.items():
        cell = (intermediate, target, seed)
        for tenth, values in enumerate(run["dev"], start=1):
            for metric, value in zip(METRICS, values, strict=True):
                rows.append((*cell, "en", metric, value, rate, "dev", tenth, run["status"], True))
        for language, values in run["test"].items():
            for metric, value in list(zip(METRICS, values, strict=True))[: 1 if run["absent"] else 2]:
                rows.append((*cell, language, metric, value, rate, "test", 10, run["status"], True))
            rows.append((*cell, language, "majority", 0.125, rate, "test", 10, run["status"], False))
    return rows


def expected(arms: Arms) -> dict[tuple[str, str, str, int], float]:
    """Points by chain, target, language and seed."""
    official: dict[str, set[str]] = {}
    for (_, target, _, _), run in arms.items():
        if run["status"] == "finished":
            official.setdefault(target, set()).update(METRICS[: 1 if run["absent"] else 2])
    points, best = {}, {}
    for (intermediate, target, seed, _), run in sorted(arms.items(), key=lambda arm: arm[0][3]):
        if run["status"] == "finished":
            dev = max(sum(values) / 2 for values in run["dev"])
            if dev > best.get((intermediate, target, seed), (-1.0, {}))[0]:
                best[intermediate, target, seed] = (dev, run)
        for language in run["test"]:
            points["majority", target, language, seed] = 12.5
    for (intermediate, target, seed), (_, run) in best.items():
        for language, values in run["test"].items():
            present = [value for value in values[: 1 if run["absent"] else 2] if value is not None]
            if len(present) == len(official[target]):
                points[intermediate, target, language, seed] = 100 * sum(present) / len(present)
    return points


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(arms=ARMS, copies=st.integers(0, 5), seed=st.integers(0, 99), types=st.booleans())
def test_scores_are_those_of_plain_loops(tmp_path: Path, arms: Arms, copies: int, seed: int, types: bool) -> None:
    arms = {("none", "xquad", 0, 1e-5): BASE, ("nli", "xquad", 0, 1e-5): BASE, **arms}
    rows = rows_of(arms)
    mixer = random.Random(seed)
    rows += mixer.choices(rows, k=copies)
    mixer.shuffle(rows)
    file = write_file(tmp_path, rows, *MORE)
    if types:
        casts = {"seed": pl.Int8, "value": pl.Float32, "target": pl.Categorical, "language": pl.Categorical}
        pl.read_parquet(file).cast(casts).write_parquet(file)  # type: ignore[arg-type]
    transfer = read_transfer(file)
    axes = (transfer.chains, transfer.targets, transfer.languages, transfer.seeds)
    actual = {
        tuple(axis[i] for axis, i in zip(axes, index, strict=True)): transfer.scores[tuple(index)]
        for index in np.argwhere(np.isfinite(transfer.scores))
    }
    assert actual == pytest.approx(expected(arms))


COLUMN = st.sampled_from([pl.Int64, pl.Float64, pl.Boolean, pl.Categorical])


@given(types=st.lists(COLUMN, min_size=1, max_size=4), seed=st.integers(0, 999), far=st.booleans(), most=st.booleans())
def test_rows_have_one_key_if_and_only_if_they_are_equal(types: list[Any], seed: int, far: bool, most: bool) -> None:
    mixer = random.Random(seed)
    step = 2**40 if far else 1
    values = {pl.Int64: [-step, 0, step, None], pl.Float64: [1e-5, 2e-5, 0.0, None], pl.Boolean: [True, False, None]}
    values[pl.Categorical] = ["a", "b", "", None]
    columns = {f"{i}": mixer.choices(values[dtype], k=30) for i, dtype in enumerate(types)}
    frame = pl.DataFrame(columns, schema={f"{i}": dtype for i, dtype in enumerate(types)}, strict=False)
    with pytest.MonkeyPatch.context() as patch:
        if most:  # so few combinations that keys must be numbered on the way
            patch.setattr(keys, "MAX_KEY", 40)
        key = pack_columns(frame, frame.columns)
    assert (key >= 0).all()
    assert len(set(key)) == len(set(frame.rows()))
    assert len(set(zip(key, frame.rows(), strict=True))) == len(set(key))


@given(rows=st.lists(st.integers(0, 40), max_size=30), marks=st.sampled_from([0, 2**28]))
def test_small_keys_tell_the_same_rows_apart_and_where_each_is_first(rows: list[int], marks: int) -> None:
    key = pl.Series(rows, dtype=pl.Int64)
    numbers = compact_keys(key)
    assert all(0 <= number < len(rows) for number in numbers)
    assert len(set(zip(numbers, rows, strict=True))) == len(set(numbers)) == len(set(rows))
    assert [rows[i] for i in find_first_rows(numbers)] == sorted(set(rows))
    assert set(find_first_rows(numbers)) == {rows.index(value) for value in rows}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "MAX_MARK_BYTES", marks)
        assert has_duplicate_keys(key) == (len(set(rows)) < len(rows))


def test_a_value_that_is_on_no_axis_has_no_place() -> None:
    column = pl.Series("language", ["de", "en", None, "fr"], dtype=pl.Categorical)
    assert locate_on_axis(column, ("en", "de")).tolist() == [1, 0, -1, -1]
    far = pl.Series("seed", [2**40, 7, None, -(2**40)])
    assert locate_on_axis(far, (7, 2**40)).tolist() == [1, 0, -1, -1]
    assert locate_on_axis(far.clear(), (7,)).tolist() == []


def test_what_lies_in_a_large_file_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(name, "xnli", 0, "de", "acc", 0.5, 3.0) for name in ("none", "nli")]
    file = write_file(tmp_path, rows, "seconds")
    small = load([file])
    monkeypatch.setattr("analysis.scores.sources.EAGER_READ_BYTES", 0)
    large = load([file])
    assert large.rows.collect().equals(small.rows.collect())
    assert "SCAN" in large.rows.explain() and "SCAN" not in small.rows.explain().replace("DF", "")
    assert "PROJECT 1/7" in large.rows.select("seconds").explain(), "a question reads its own columns"
