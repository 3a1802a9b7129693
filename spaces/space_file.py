"""Spaces as TOML files, which are read and not executed; the same fields as `Space` has.

intermediates = ["mnli", "squad~freelb"]
learning_rates = {low = 1e-5, high = 1e-4, draws = 6}   # or [1e-5, 3e-5], or "all", "middle", "question"
seeds = [0, 1, 2]

[chain_seeds]          # more seeds of single chains
none = [3, 4, 5]

[bounds]               # and [budget], [masked]
test_limit = 500
"""

import dataclasses
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from spaces.benchmark import Benchmark, Budget
from spaces.bounds import Bounds
from spaces.errors import UsageError
from spaces.phase import MaskedWords
from spaces.space import Range, Space
from spaces.table import describe_unknown

PARTS: Mapping[str, type] = {"budget": Budget, "bounds": Bounds, "masked": MaskedWords}
RATE_WORDS = ("all", "middle", "question")


class _ValueError(Exception):
    """A value of another type than its key needs; the message says which is needed."""


def read_space_file(path: Path) -> Space:
    """Return the space of a TOML file, named as the file unless it says otherwise.

    Raises UsageError with line and key for anything but a space.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the space file {path} cannot be read: {error}") from error
    fields: dict[str, Any] = {"name": path.stem}
    for key, value in given.items():
        fields[key] = _read(path, text, None, key, value, _READERS)
    try:
        for name, part in PARTS.items():
            if name in fields:
                known = {field.name: _PART_READERS[field.name] for field in dataclasses.fields(part)}
                read = {key: _read(path, text, name, key, value, known) for key, value in fields[name].items()}
                fields[name] = part(**read)
        if "chain_seeds" in fields:
            chains = fields["chain_seeds"]
            readers = dict.fromkeys(chains, _wholes)
            fields["chain_seeds"] = {key: _read(path, text, "chain_seeds", key, chains[key], readers) for key in chains}
        return Space(**fields)
    except UsageError as error:
        raise error if str(path) in str(error) else UsageError(f"the space file {path}: {error}") from error


def _read(path: Path, text: str, table: str | None, key: str, value: Any, readers: Mapping[str, Any]) -> Any:
    """Return the value of a key as a space has it; raise UsageError for an unknown key or a wrong value."""
    place = f"the space file {path}, line {_find_line(text, table, key)}"
    if key not in readers:
        what = "key of a space" if table is None else f"key of [{table}]"
        raise UsageError(f"{place}: {describe_unknown(what, key, list(readers))}")
    try:
        return readers[key](value)
    except _ValueError as error:
        raise UsageError(f"{place}: `{key}` needs {error}, got {value!r}.") from None
    except UsageError as error:
        raise UsageError(f"{place}: `{key}`: {error}") from error


def _find_line(text: str, table: str | None, key: str) -> int:
    """Return the number of the line that gives a key, in the table `[table]` or at the top."""
    inside, own = None, re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""")
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if heading:
            inside = heading[1]
            if table is None and inside == key:
                return number
        elif inside == table and own.match(line):
            return number
    return 1 if table is None else _find_line(text, None, table)  # a table on one line


def _need(types: type | tuple[type, ...], what: str, value: Any) -> Any:
    """Return the value if it has one of the types; a boolean is no number."""
    is_number = types in (int, (int, float))
    if not isinstance(value, types) or (is_number and isinstance(value, bool)):
        raise _ValueError(what)
    return value


_text = partial(_need, str, "a text")
_flag = partial(_need, bool, "true or false")
_whole = partial(_need, int, "a whole number")
_number = partial(_need, (int, float), "a number")
_table = partial(_need, dict, "a table")


def _list_of(read: Callable[[Any], Any], what: str, value: Any) -> tuple[Any, ...]:
    try:
        return tuple(read(item) for item in _need(list, what, value))
    except _ValueError:
        raise _ValueError(what) from None


_texts = partial(_list_of, _text, "a list of texts")
_wholes = partial(_list_of, _whole, "a list of whole numbers")
_numbers = partial(_list_of, _number, "a list of numbers, 'all', 'middle', 'question', or {low = ..., high = ...}")


def _rates(value: Any) -> Any:
    if isinstance(value, dict) and {"low", "high"} <= value.keys() <= {"low", "high", "draws"}:
        return Range(**{name: (_whole if name == "draws" else _number)(number) for name, number in value.items()})
    return value if value in RATE_WORDS else _numbers(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": _text,
    "intermediates": _texts,
    "targets": _texts,
    "learning_rates": _rates,
    "seeds": _wholes,
    "chain_seeds": _table,
    "floor": _flag,
    "translate_train": _flag,
    "target_shots": _whole,
    "target_method": _text,
    "mixture": _texts,
    **dict.fromkeys(PARTS, _table),
}
_PART_READERS: Mapping[str, Callable[[Any], Any]] = {
    **{field.name: _whole for part in (Budget, Bounds) for field in dataclasses.fields(part)},
    "share": _number,
    "smoothing": _number,
    "languages": _texts,
}


def format_space(space: Space, benchmark: Benchmark) -> str:
    """Return the TOML file of a space, with the benchmark's own tasks where the space leaves them to it."""
    tasks = {"intermediates": benchmark.intermediate_names(), "targets": benchmark.target_names()}
    filled = {name: names if getattr(space, name) is None else getattr(space, name) for name, names in tasks.items()}
    defaults, top, tables = Space(name=space.name), list[str](), list[str]()
    for field in dataclasses.fields(Space):
        value = filled.get(field.name, getattr(space, field.name))
        if field.name in (*PARTS, "chain_seeds"):
            entries = value if field.name == "chain_seeds" else _list_changes(value)
            lines = [f"{_quote_key(key)} = {_format(entry)}" for key, entry in entries.items()]
            tables += [f"\n[{field.name}]", *lines] if lines else []
        elif field.name in ("name", *filled, "learning_rates", "seeds") or value != getattr(defaults, field.name):
            top.append(f"{field.name} = {_format(value)}")
    return "\n".join([*top, *tables]) + "\n"


def _list_changes(part: Any) -> dict[str, Any]:
    """Return the fields of a part that are not its defaults."""
    default = type(part)()
    return {f.name: v for f in dataclasses.fields(part) if (v := getattr(part, f.name)) != getattr(default, f.name)}


def _quote_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _format(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)  # as TOML writes texts
        case Range():
            return f"{{low = {value.low!r}, high = {value.high!r}, draws = {value.draws}}}"
        case tuple():
            return f"[{', '.join(map(_format, value))}]"
        case _:
            return repr(value)
