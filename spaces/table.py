"""A table of named rows: it refuses duplicates and answers an unknown name with the near ones."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Protocol, TypeVar

from spaces.errors import UsageError


class NamedRow(Protocol):
    """Anything with a name can be a row."""

    @property
    def name(self) -> str:
        """What the row is found by."""


Row = TypeVar("Row", bound=NamedRow, covariant=True)


class Table(Mapping[str, Row]):
    """Rows by name, in the order given. `noun` is what a row is called in messages."""

    def __init__(self, noun: str, rows: Iterable[Row]) -> None:
        self.noun = noun
        self._rows: dict[str, Row] = {}
        for row in rows:
            if row.name in self._rows:
                raise ValueError(f"{noun} {row.name!r} stands twice in its table.")
            self._rows[row.name] = row

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, name: str) -> Row:
        """The row called `name`; raises UsageError that lists the near names, or all of them."""
        try:
            return self._rows[name]
        except KeyError:
            raise UsageError(describe_unknown(self.noun, name, self._rows)) from None


def describe_unknown(noun: str, name: str, known: Iterable[str]) -> str:
    """The sentence for an unknown name: near names first, else every name there is."""
    names = list(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}."
    return f"unknown {noun} {name!r}: {hint}"
