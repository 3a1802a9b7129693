"""The building blocks of a section of the page: plain data, which `page.html` escapes and renders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

ABSENT = "–"
FIELD_TITLES = {  # of columns and tooltips, where a title is not the name of the field
    "over": "mean over",
    "interval": "95% interval",
    "spread": "sd over seeds",
    "values": "per seed",
    "holes": "missing",
    "name": "language or group",
    "level": "kind",
    "resource": "resources",
    "share": "share, %",
    "what": "trained on",
    "rate": "learning rate",
    "spent": "time of the run",
    "search": "time of all its rates",
    "front": "on the Pareto front",
}
NO_BREAK_SPACE = "\u00a0"  # a blank at which no line is broken


@dataclass(frozen=True, slots=True)
class FormattedValue:
    """A number as text, and the value that it is sorted by."""

    text: str
    sort_key: float | None


PageValue = str | float | int | FormattedValue | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `tone` marks the answer and side notes."""

    text: str
    tone: Literal["plain", "answer", "soft"] = "plain"


@dataclass(frozen=True, slots=True)
class BulletList:
    """Sentences of equal rank, under a heading where there is one."""

    items: tuple[str, ...]
    tone: Literal["plain", "warning"] = "plain"
    title: str | None = None


@dataclass(frozen=True, slots=True)
class FactList:
    """Names and their values."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PageColumn:
    """One column of a table, and how its values are written and sorted."""

    title: str
    digits: int | None = None  # of a number; None for text
    signed: bool = False
    is_formatted: bool = False  # values are `FormattedValue`

    @property
    def is_numeric(self) -> bool:
        """True if values are sorted as numbers."""
        return self.is_formatted or self.digits is not None

    def sort_key(self, value: PageValue) -> float | int | None:
        """Return the number that a value of a numeric column is sorted by."""
        if isinstance(value, FormattedValue):
            return value.sort_key
        return None if isinstance(value, str) or value != value else value

    def format_value(self, value: PageValue) -> str:
        """Return `value` as a reader sees it."""
        if value is None or value != value:
            return ABSENT
        if isinstance(value, FormattedValue):
            return value.text
        if isinstance(value, str) or self.digits is None:
            return str(value)
        smallest = 10**-self.digits
        if 0 < value < smallest / 2:
            return f"<{NO_BREAK_SPACE}{smallest:g}"
        return format_number(value, self.digits, self.signed)


@dataclass(frozen=True, slots=True)
class PageTable:
    """Rows under columns; the first column names the row. Readers can sort it by any column."""

    name: str  # unique on the page
    caption: str
    columns: tuple[PageColumn, ...]
    rows: tuple[tuple[PageValue, ...], ...]


@dataclass(frozen=True, slots=True)
class SelectControl:
    """A list from which a reader chooses what a figure shows: it sets the figure's parameter `signal`."""

    signal: str
    label: str
    options: tuple[tuple[str, str], ...]  # value, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart with its data, its text alternative and the same numbers as a table."""

    name: str  # unique on the page, and the name of the exported file
    title: str
    description: str  # for readers who cannot see the figure
    spec: Mapping[str, Any]
    data: Mapping[str, pl.DataFrame]  # name of a data set in the spec -> its rows
    table: PageTable | None = None
    choices: tuple[SelectControl, ...] = ()
    min_width_rem: int = 20  # rem; below this the figure scrolls in its own box


@dataclass(frozen=True, slots=True)
class LanguageTile:
    """A language or family of the map: where its rows are in the data, and what is shown at first."""

    level: Literal["language", "family"]
    key: str
    title: str
    label: str  # the gain with its marks
    step: int | None  # of the nine colours


@dataclass(frozen=True, slots=True)
class LanguageFamily:
    """The mean of a family and its languages, if it has several."""

    mean: LanguageTile
    languages: tuple[LanguageTile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageMap:
    """Languages by family, filled by `language_map.js` for the chosen rows of the data set `data`."""

    name: str  # unique on the page
    title: str
    data: str
    choices: tuple[SelectControl, ...]
    families: tuple[LanguageFamily, ...]


@dataclass(frozen=True, slots=True)
class DetailsBlock:
    """Blocks that a reader may open."""

    title: str
    blocks: tuple["Block", ...]


Block = Paragraph | BulletList | FactList | PageTable | Figure | LanguageMap | DetailsBlock


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page under its own heading."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def format_number(value: float, digits: int = 1, signed: bool = False) -> str:
    """Return `value` with a true minus sign and no negative zero: 1.25 -> `+1.2`, -0.01 -> `0.0`."""
    rounded = round(value, digits) + 0.0
    sign = "−" if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def format_minus(text: str) -> str:
    """Return a sentence or number with real minus signs before its digits."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def format_gain(value: float) -> str:
    """Return a difference in points: one digit, always with its sign."""
    return format_number(value, 1, signed=True)


def format_interval(interval: tuple[float, float]) -> str:
    """Return an interval of differences: `+0.3 to +2.1`."""
    return f"{format_gain(interval[0])} to {format_gain(interval[1])}"


def format_percent(share: float) -> str:
    """Return `95%`."""
    return f"{share * 100:.0f}%"


def join_names(names: Sequence[str], word: str = "and") -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    *rest, last = names
    return f"{', '.join(rest)} {word} {last}" if rest else last


def name_columns(*names: str) -> dict[str, PageColumn]:
    """Return the columns of fields under their usual titles: gains and their bounds as numbers, all others as text."""
    titles = {name: FIELD_TITLES.get(name, name) for name in names}
    numbers = dict.fromkeys(("gain", "low", "high"), (2, True))
    return {name: PageColumn(title, *numbers.get(name, ())) for name, title in titles.items()}


def table_of(frame: pl.DataFrame, name: str, caption: str, columns: Mapping[str, PageColumn]) -> PageTable:
    """Return the named columns of `frame` as a table."""
    return PageTable(name, caption, tuple(columns.values()), tuple(frame.select(list(columns)).iter_rows()))


def figures_of(sections: Iterable[Section]) -> tuple[Figure, ...]:
    """Return all figures, in the order of the page."""
    return tuple(block for section in sections for block in section.blocks if isinstance(block, Figure))
