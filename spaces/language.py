"""Languages, with the properties that results are grouped by: family, script and resources."""

from dataclasses import dataclass
from typing import Literal

ENGLISH = "en"  # the language of selection and of most training sets


@dataclass(frozen=True, slots=True)
class Language:
    """An evaluation language."""

    name: str  # its code in results: ISO 639-1 where there is one
    english_name: str
    family: str
    script: str
    resource: Literal["high", "low"]


def join_pair(first: str, second: str) -> str:
    """Return the code of a pair of languages, such as `qma-en`.

    Items in a pair of languages have their first text in the one and their second text in the other.
    """
    return f"{first}-{second}"


def split_pair(pair: str) -> tuple[str, ...]:
    """Return the two languages of a pair, the first text's before the second's."""
    return tuple(pair.split("-"))
