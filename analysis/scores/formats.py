"""Files of score rows in every format that is read: Parquet, CSV and JSON lines, also partitioned by folders.

CSV and JSON lines are read as text, so that a message can show the value that is wrong. Folders such as `seed=0/` give
the column `seed` to the files below them, as Hive, Spark and pyarrow write it.
"""

import csv
import gzip
import json
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.tidy import SCHEMA, scan_rows, tidy
from spaces.columns import REQUIRED_COLUMNS
from spaces.errors import UsageError, first_line_of

PARQUET_SUFFIXES = (".parquet", ".pq")
CSV_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
LINES_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")  # one JSON object per line
JSON_SUFFIXES = (".json", ".json.gz")  # read if named; a folder has many files of this name that are no scores
TEXT_SUFFIXES = (*CSV_SUFFIXES, *LINES_SUFFIXES)
SEPARATORS = (",", "\t", ";", "|")
EMPTY_NUMBERS = ("", "na", "n/a", "nan", "null", "none")  # a number that is not there, in small letters
BOOLEANS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
PARQUET_MAGIC = b"PAR1"
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # the name of a folder for rows without a value
FORMATS_READ = "Parquet, CSV or JSON lines"


def scan_file(file: Path, root: Path) -> pl.LazyFrame:
    """Return the tidy rows of a file at or below `root`; raise UsageError if its format or its columns are refused."""
    source, name = str(file), file.name.lower()
    partitions = read_partitions(file, root)
    try:
        if name.endswith(PARQUET_SUFFIXES) or _starts_as_parquet(file):
            return scan_rows(file, source, _parse_partitions(partitions, source))
        if name.endswith(CSV_SUFFIXES):
            text = _read_csv(file, source)
        elif name.endswith((*LINES_SUFFIXES, *JSON_SUFFIXES)):
            text = _read_json(file, source)
        else:
            raise UsageError(f"{source} is not {FORMATS_READ}. Write its rows as one of these, with its usual suffix.")
    except (PolarsError, OSError, UnicodeError, EOFError, zlib.error) as error:
        kind = "CSV" if name.endswith(CSV_SUFFIXES) else "JSON lines"
        reason = "it is not UTF-8" if isinstance(error, UnicodeError) else first_line_of(error).rstrip(".")
        raise UsageError(f"{source} cannot be read as {kind}: {reason}.") from error
    typed = text.with_columns(parse_text(text[name], source) for name in text.columns if name in SCHEMA)
    return tidy(typed.lazy(), source, _parse_partitions(partitions, source))


def read_partitions(file: Path, root: Path) -> dict[str, str]:
    """Return the columns of score rows that folders give: those between `root` and the file, and the last of `root`."""
    outer: list[str] = []
    for part in reversed(root.parts[:-1] if root == file else root.parts):
        if "=" not in part:
            break
        outer.insert(0, part)
    parts = [*outer, *file.relative_to(root).parts[:-1]]
    pairs = (part.partition("=") for part in parts if "=" in part)
    return {name: unquote(value) for name, _, value in pairs if name in SCHEMA}


def parse_text(column: pl.Series, source: str) -> pl.Series:
    """Return text in the type of the score column of its name; raise UsageError for the first text that has another."""
    name, dtype = column.name, SCHEMA[column.name]
    stripped = column.str.strip_chars()
    if dtype == pl.String():
        return stripped.set(stripped == "", None)
    small = stripped.str.to_lowercase()
    text = small.set(small.is_in(EMPTY_NUMBERS), None)
    if dtype == pl.Boolean():
        word, parsed = "true or false", text.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
    else:
        word, parsed = "numbers", text.cast(pl.Float64, strict=False)
    wrong = stripped.filter(parsed.is_null() & text.is_not_null())
    if len(wrong):
        hint = " Write a decimal point, and no unit." if word == "numbers" else ""
        raise UsageError(f"{source}: column {name} must hold {word}, it holds {wrong[0]!r}.{hint}")
    return parsed


def _parse_partitions(partitions: dict[str, str], source: str) -> dict[str, pl.Series]:
    """Return the values of folders as columns of one row."""
    texts = {name: None if value == NO_VALUE else value for name, value in partitions.items()}
    return {name: parse_text(pl.Series(name, [text], pl.String), source) for name, text in texts.items()}


def _starts_as_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def _read_text(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix.lower() == ".gz" else content).decode("utf-8-sig")


def _read_csv(file: Path, source: str) -> pl.DataFrame:
    text = _read_text(file)
    header, separator = _split_header(text.partition("\n")[0].rstrip("\r"))
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise UsageError(f"{source}: column {twice!r} is there twice. Name each column once.")
    frame = pl.read_csv(text.encode(), separator=separator, infer_schema=False)
    return frame.rename(dict(zip(frame.columns, header, strict=True)))


def _split_header(line: str) -> tuple[list[str], str]:
    """Return the names of the columns, and the separator by which most of the required ones are found."""

    def split(separator: str) -> list[str]:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]

    best = max(SEPARATORS, key=lambda separator: len(set(REQUIRED_COLUMNS) & set(split(separator))))
    return split(best), best


def _read_json(file: Path, source: str) -> pl.DataFrame:
    """Return the score columns of a JSON file as text: an object per line, or one list of objects."""
    text = _read_text(file)
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else _parse_lines(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{source} cannot be read as JSON lines: {error}.") from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{source}: JSON must hold one object with the columns per line, or one list of such objects.")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [_as_text(row.get(name), name, source) for row in rows] for name in names if name in SCHEMA}
    others: dict[str, list[None]] = {name: [None] * len(rows) for name in names if name not in SCHEMA}
    return pl.DataFrame(columns | others, schema=dict.fromkeys((*columns, *others), pl.String))


def _parse_lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(f"line {number}: {error.msg}", line, error.pos) from None
    return rows


def _as_text(value: object, name: str, source: str) -> str | None:
    if isinstance(value, (dict, list)) or (SCHEMA[name] == pl.String() and not isinstance(value, (str, type(None)))):
        word = "text" if SCHEMA[name] == pl.String() else "one value"
        raise UsageError(f"{source}: column {name} must hold {word}, it holds {value!r}.")
    return None if value is None else str(value)
