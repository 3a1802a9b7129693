"""Formats of score files: the same rows give the same ranking, and what is not read says what is needed."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.scores.load import load
from spaces.errors import UsageError
from tests.analysis.sweep_files import ranked

COLUMNS = ("intermediate", "target", "seed", "language", "metric", "value")
ROWS = [
    (task, "xnli", seed, language, "acc", round(value + seed / 100, 4))
    for task, value in (("none", 0.5), ("mnli", 0.6))
    for seed in (0, 1)
    for language in ("en", "de")
]
DICTS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def as_csv(separator: str = ",", end: str = "\n", rows: list[tuple[Any, ...]] = ROWS) -> str:
    return "".join(separator.join(map(str, row)) + end for row in (COLUMNS, *rows))


def as_lines(rows: list[dict[str, Any]] = DICTS) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def check(path: Path) -> None:
    ranking = ranked(path)
    assert ranking.gains["mnli", "xnli"].mean == pytest.approx(10)
    assert (ranking.loaded_scores.seeds, ranking.transfer.languages) == ((0, 1), ("de", "en"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.csv", as_csv()),
        ("s.CSV", as_csv(end="\r\n")),
        ("s.csv", "\ufeff" + as_csv(";")),
        ("s.tsv", as_csv("\t")),
        ("s.csv", as_csv(", ")),
        ("s.csv", as_csv(rows=[(*row[:2], float(row[2]), *row[3:]) for row in ROWS])),  # as pandas writes seeds
        ("s.csv.gz", gzip.compress(as_csv().encode())),
        ("s.jsonl", as_lines()),
        ("s.ndjson", as_lines() + "\n"),
        ("s.jsonl.gz", gzip.compress(as_lines().encode())),
        ("s.jsonl", as_lines([{**row, "seed": float(row["seed"]), "extra": [1]} for row in DICTS])),
        ("s.json", json.dumps(DICTS)),
    ],
)
def test_formats_give_the_same_ranking(tmp_path: Path, name: str, text: str | bytes) -> None:
    check(write(tmp_path / name, text))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_folders_give_columns(tmp_path: Path, suffix: str) -> None:
    for task in ("none", "mnli"):
        for seed in (0, 1):
            rows = [row for row in DICTS if row["intermediate"] == task and row["seed"] == seed]
            folder = tmp_path / "scores" / f"intermediate={task}" / f"seed={seed}" / "date=2026"
            folder.mkdir(parents=True)
            frame = pl.DataFrame(rows).drop("intermediate", "seed")
            if suffix == "parquet":
                frame.write_parquet(folder / "part-0.parquet")
            else:
                text = frame.write_csv() if suffix == "csv" else as_lines(frame.to_dicts())
                write(folder / f"part.{suffix}", text)
    check(tmp_path / "scores")
    one = load([tmp_path / "scores" / f"intermediate={task}" for task in ("none", "mnli")])
    assert one.intermediates == ("mnli",)


def test_names_of_folders_are_decoded(tmp_path: Path) -> None:
    for task in ("none", "mnli"):
        folder = tmp_path / f"intermediate={task}" / "language=zh%2DHans" / "seed=0.0"
        folder.mkdir(parents=True)
        write(folder / "part.csv", "target,metric,value\nxnli,acc,0.5\n")
    scores = load([tmp_path])
    assert scores.seeds == (0,) and scores.target_rows["language"].unique().cast(pl.String).to_list() == ["zh"]
    write(tmp_path / "intermediate=none" / "seed=0.5" / "part.csv", "target,language,metric,value\nxnli,en,acc,0.5\n")
    with pytest.raises(UsageError, match=r"column seed must hold whole numbers, it holds 0\.5"):
        load([tmp_path])


def test_partitions_as_polars_writes_them(tmp_path: Path) -> None:
    pl.DataFrame(DICTS).write_parquet(pl.PartitionBy(tmp_path / "p", key=["seed", "intermediate"]), mkdir=True)
    check(tmp_path / "p")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("seed=a", "column seed must hold numbers, it holds 'a'"),
        ("seed=7", "column seed has other values than its folder"),
    ],
)
def test_folders_that_contradict_are_refused(tmp_path: Path, folder: str, message: str) -> None:
    frame = pl.DataFrame(DICTS).drop("seed") if folder == "seed=a" else pl.DataFrame(DICTS)
    (tmp_path / folder).mkdir()
    frame.write_parquet(tmp_path / folder / "x.parquet")
    with pytest.raises(UsageError, match=message):
        load([tmp_path])


def test_a_missing_number_is_missing_in_text_too(tmp_path: Path) -> None:
    for number, nothing in enumerate(("", "NA", "nan", "null", "inf")):
        text = as_csv(rows=[*ROWS[:-1], (*ROWS[-1][:5], nothing)])
        assert load([write(tmp_path / f"{number}.csv", text)]).target_rows["value"].null_count() == 1
    lines = as_lines([*DICTS[:-1], {**DICTS[-1], "value": float("nan")}])  # Python writes NaN, which is no JSON
    assert load([write(tmp_path / "a.jsonl", lines)]).target_rows["value"].null_count() == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "s.csv",
            as_csv().replace("0.5,", "0.5,").replace("0.61", "61%"),
            "column value must hold numbers, it holds '61%'",
        ),
        ("s.csv", as_csv(";").replace("0.6", "0,6"), "holds '0,6.*'. Write a decimal point"),
        ("s.csv", as_csv().replace("xnli,1", "xnli,1.5"), "column seed must hold whole numbers, it holds 1.5"),
        ("s.csv", as_csv().replace("intermediate", "task"), "no column intermediate.* this one has task, target"),
        ("s.csv", as_csv().replace("metric", "seed"), "column 'seed' is there twice"),
        ("s.csv", as_csv().encode("utf-16"), "cannot be read as CSV: it is not UTF-8"),
        ("s.csv", "", "cannot be read as CSV"),
        ("s.jsonl", as_lines() + '{"seed": 1', "cannot be read as JSON lines: line 9"),
        ("s.json", json.dumps({"rows": DICTS, "more": 1}, indent=1), "cannot be read as JSON lines"),
        ("s.jsonl", "[1]\n[2]\n", "cannot be read as JSON lines|one object with the columns per line"),
        ("s.jsonl", as_lines([{**row, "target": 7} for row in DICTS]), "column target must hold text, it holds 7"),
        ("s.xlsx", b"PK", "is not Parquet, CSV or JSON lines. Write its rows as one of these"),
        ("s.txt", as_csv(), "is not Parquet, CSV or JSON lines"),
    ],
)
def test_what_cannot_be_read_says_what_is_needed(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load([write(tmp_path / name, text)])
    assert "\n" not in str(caught.value)


def test_a_parquet_file_needs_no_suffix(tmp_path: Path) -> None:
    pl.DataFrame(DICTS).write_parquet(tmp_path / "scores")
    check(tmp_path / "scores")


def test_text_beside_parquet_is_named_and_not_read(tmp_path: Path) -> None:
    pl.DataFrame(DICTS).write_parquet(tmp_path / "a.parquet")
    write(tmp_path / "b.csv", as_csv(rows=[(*row[:5], 0.9) for row in ROWS]))
    write(tmp_path / "config.json", "{}")
    check(tmp_path)
    assert any("only its Parquet files are read, not" in note and "b.csv" in note for note in load([tmp_path]).notes)


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
def test_whole_seeds_may_be_floats(tmp_path: Path, dtype: type[pl.DataType]) -> None:
    pl.DataFrame(DICTS).cast({"seed": dtype}).write_parquet(tmp_path / "a.parquet")
    check(tmp_path)
    frame = pl.DataFrame(DICTS).with_columns(seed=pl.lit(float("nan"), dtype))
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="column seed is empty in 8 rows"):
        load([tmp_path])


def test_a_folder_that_cannot_be_listed_is_not_left_out(tmp_path: Path, locked_folder: str) -> None:
    (tmp_path / locked_folder).mkdir()
    pl.DataFrame(DICTS).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=r"locked cannot be read: Permission denied\. Give this user the right"):
        load([tmp_path])
