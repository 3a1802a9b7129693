"""Tables of features: equal to the lists they are built from, complete on disk, read only where they are used."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import ROOT
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature, Ids, collate
from trainables.features.shared_table import TABLE_FILE, DamagedTableError, open_or_build_table, open_table, write_table

CPU = torch.device("cpu")
FORMS = ("pair", "choice", "tagging", "span")


def ids(draw: st.DrawFn, length: int) -> Ids:
    return np.array(draw(st.lists(st.integers(-100, 250_000), min_size=length, max_size=length)), dtype=np.int32)


@st.composite
def feature_lists(draw: st.DrawFn, form: str) -> list[Feature]:
    """Ragged features as a kind of task makes them; types and marks in all or none."""
    typed, marked = draw(st.booleans()), form in ("tagging", "span") or draw(st.booleans())
    features = []
    for example in range(draw(st.integers(0, 7))):
        rows = draw(st.integers(1, 4)) if form == "choice" else 1
        lengths = [draw(st.integers(1, 9)) for _ in range(rows)]
        shapes = {"tagging": (lengths[0],), "span": (2,)}
        size = int(np.prod(shapes.get(form, ())))
        origins = {"tagging": ids(draw, draw(st.integers(0, 5))), "span": ids(draw, 2 * lengths[0]).reshape(-1, 2)}
        feature = Feature(
            example=example // 2,
            rows=tuple(ids(draw, length) for length in lengths),
            types=tuple(ids(draw, length) for length in lengths) if typed else None,
            target=ids(draw, size).reshape(shapes.get(form, ())),
            marks=tuple(ids(draw, length) for length in lengths) if marked else None,
        )
        features.append(dataclasses.replace(feature, origin=origins[form]) if form in origins else feature)
    return features


def same(arrays: tuple[Ids, ...] | None, expected: tuple[Ids, ...] | None) -> bool:
    if arrays is None or expected is None:
        return arrays is expected
    return len(arrays) == len(expected) and all(np.array_equal(a, b) for a, b in zip(arrays, expected, strict=True))


def assert_equal(table: FeatureTable, features: list[Feature], *, per_position: bool) -> None:
    assert len(table) == len(features) and table.lengths.tolist() == [expected.length for expected in features]
    for feature, expected in zip(table, features, strict=True):
        assert feature.example == expected.example
        assert same(feature.rows, expected.rows)
        assert same(feature.types, expected.types) and same(feature.marks, expected.marks)
        assert feature.target.shape == expected.target.shape and feature.origin.shape == expected.origin.shape
        assert np.array_equal(feature.target, expected.target) and np.array_equal(feature.origin, expected.origin)
    if features:
        batches = [collate(rows, 1, per_position=per_position, device=CPU) for rows in (table[:], features)]
        assert batches[0].keys() == batches[1].keys()
        assert all(torch.equal(value, batches[1][name]) for name, value in batches[0].items())


@pytest.mark.parametrize("form", FORMS)
def test_a_table_equals_its_list_in_memory_and_on_disk(form: str, tmp_path: Path) -> None:
    per_position = form == "tagging"

    @given(features=feature_lists(form), cut=st.integers(0, 7))
    @settings(max_examples=25)
    def check(features: list[Feature], cut: int) -> None:
        table = build_table([features[:cut], features[cut:]], per_position=per_position, left_out={"no label": 3})
        assert_equal(table, features, per_position=per_position)
        write_table(table, tmp_path / "table")
        again = open_table(tmp_path / "table")
        assert_equal(again, features, per_position=per_position)
        assert again.left_out == {"no label": 3}

    check()


def pairs(count: int = 5) -> list[Feature]:
    return [
        Feature(i, (np.arange(i + 2, dtype=np.int32),), None, np.array(i % 3, dtype=np.int32)) for i in range(count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(build_table([pairs()], per_position=False), tmp_path / "table")
    return tmp_path / "table"


def test_opening_maps_the_arrays_and_reads_none(folder: Path) -> None:
    arrays = open_table(folder).arrays()
    assert set(arrays) == {"ids", "bounds", "row_bounds", "examples", "targets", "origin", "origin_bounds"}
    assert all(isinstance(array.base, np.memmap) for array in arrays.values())


@pytest.mark.parametrize("opened", [True, False])
def test_nobody_can_change_what_all_share(folder: Path, opened: bool) -> None:
    feature = (open_table(folder) if opened else build_table([pairs()], per_position=False))[1]
    with pytest.raises(ValueError, match="read-only"):
        feature.rows[0][0] = 7
    with pytest.raises(ValueError, match="read-only"):
        feature.target[...] = 7


def test_indices_are_those_of_a_sequence(folder: Path) -> None:
    table = open_table(folder)
    assert [feature.example for feature in table[1:4]] == [1, 2, 3] and table[-1].example == 4
    assert table[np.int64(2)].example == 2  # type: ignore[call-overload]
    with pytest.raises(IndexError):
        table[5]


@pytest.mark.parametrize(
    "other",
    [
        Feature(0, (np.ones(1, np.int32),), (np.ones(1, np.int32),), np.array(0, np.int32)),
        Feature(0, (np.ones(1, np.int32),), None, np.array(0, np.int32), marks=(np.ones(1, np.int32),)),
    ],
    ids=["types", "marks"],
)
@pytest.mark.parametrize("chunks", [1, 2])
def test_features_that_are_not_alike_are_refused(other: Feature, chunks: int) -> None:
    parts = [[*pairs(), other]] if chunks == 1 else [pairs(), [other]]
    with pytest.raises(ValueError, match="all features of a table must have types, or none"):
        build_table(parts, per_position=False)


def test_values_that_miss_positions_are_refused() -> None:
    crooked = Feature(0, (np.ones(3, np.int32),), None, np.array(0, np.int32), marks=(np.ones(2, np.int32),))
    with pytest.raises(ValueError, match="marks must have one value per position"):
        build_table([[crooked]], per_position=False)


def _other_table(folder: Path) -> None:
    write_table(build_table([pairs(4)], per_position=False), folder.with_name("other"))
    (folder.with_name("other") / "ids.npy").replace(folder / "ids.npy")


def _unfitting(folder: Path) -> None:
    table = json.loads((folder / TABLE_FILE).read_text())
    np.save(folder / "bounds.npy", np.zeros(6, dtype=np.int64))
    assert table["arrays"]["bounds"] == ["int64", 6]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no json": lambda folder: (folder / TABLE_FILE).unlink(),
    "json cut": lambda folder: (folder / TABLE_FILE).write_text((folder / TABLE_FILE).read_text()[:-20]),
    "json of another kind": lambda folder: (folder / TABLE_FILE).write_text("[]"),
    "another version": lambda folder: (folder / TABLE_FILE).write_text('{"version": 0}'),
    "no array": lambda folder: (folder / "ids.npy").unlink(),
    "array cut": lambda folder: (folder / "ids.npy").write_bytes((folder / "ids.npy").read_bytes()[:-1]),
    "array empty": lambda folder: (folder / "ids.npy").write_bytes(b""),
    "array is garbage": lambda folder: (folder / "ids.npy").write_bytes(b"x" * 500),
    "header is garbage": lambda folder: (folder / "ids.npy").write_bytes(
        (folder / "ids.npy").read_bytes()[:20] + b"\xff" * 300
    ),
    "array of another table": _other_table,
    "arrays that do not fit": _unfitting,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_noticed(folder: Path, name: str) -> None:
    assert len(open_table(folder)) == 5
    DAMAGES[name](folder)
    with pytest.raises(DamagedTableError):
        open_table(folder)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_table_is_set_aside_and_built_anew(folder: Path, name: str) -> None:
    for _ in range(2):  # the second damaged folder takes the place of the first
        DAMAGES[name](folder)
        table = open_or_build_table(folder, lambda: build_table([pairs()], per_position=False))
        assert_equal(table, pairs(), per_position=False)
        assert len(open_table(folder)) == 5
    assert folder.with_suffix(".damaged").exists() == (name != "no folder")


def test_a_whole_table_is_not_built_again(folder: Path) -> None:
    def never() -> FeatureTable:
        raise AssertionError("built again")

    assert len(open_or_build_table(folder, never)) == 5


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails() -> FeatureTable:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        open_or_build_table(tmp_path / "table", fails)
    assert [path.name for path in tmp_path.iterdir()] == ["table.lock"]
    assert len(open_or_build_table(tmp_path / "table", lambda: build_table([pairs()], per_position=False))) == 5


WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.features.shared_table import open_or_build_table

folder, name = Path(sys.argv[1]), sys.argv[2]

def build() -> FeatureTable:
    (folder / f"{name}.built").touch()
    while len(list(folder.glob("*.ready"))) < 2:  # the other one is about to ask
        time.sleep(0.01)
    time.sleep(0.2)
    ids = np.arange(9, dtype=np.int32)
    return build_table([[Feature(0, (ids,), None, np.array(1, dtype=np.int32))]], per_position=False)

(folder / f"{name}.ready").touch()
print(open_or_build_table(folder / "table", build)[0].rows[0].sum())
"""


def test_of_two_processes_one_builds_and_both_read(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WORKER, str(tmp_path), name] for name in ("one", "other")]
    workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for command in commands]
    assert [worker.communicate(timeout=100)[0].split() for worker in workers] == [[b"36"], [b"36"]]
    assert len(list(tmp_path.glob("*.ready"))) == 2 and len(list(tmp_path.glob("*.built"))) == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["table"]
