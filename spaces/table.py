"""Tables of named rows, which refuse duplicates and answer an unknown name with the nearest ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar

from spaces.errors import UsageError


class NamedRow(Protocol):
    """A row of a table: anything with a name."""

    @property
    def name(self) -> str:
        """The name by which the table finds the row."""


Row = TypeVar("Row", bound=NamedRow, covariant=True)


class Table(Mapping[str, Row]):
    """Rows by name, in the order given. `noun` names a row in messages."""

    def __init__(self, noun: str, rows: Iterable[Row]) -> None:
        self.noun = noun
        self._rows: dict[str, Row] = {}
        for row in rows:
            if row.name in self._rows:
                raise ValueError(f"{noun} {row.name!r} is in its table twice.")
            self._rows[row.name] = row

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, name: str) -> Row:
        """Return the row called `name`. Raises UsageError, with the nearest names, if there is none."""
        try:
            return self._rows[name]
        except KeyError:
            raise UsageError(describe_unknown(self.noun, name, self._rows)) from None


def describe_unknown(noun: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name. It lists the nearest known names, or all of them if none is near."""
    names = list(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}."
    return f"unknown {noun} {name!r}: {hint}"


def shorten_list(names: Sequence[str], most: int = 12) -> str:
    """Return the names with commas; of a long list the first ones, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
