"""A language: what by-family, by-script and by-resource views group by."""

from dataclasses import dataclass
from typing import Literal

ENGLISH = "en"  # the language of selection and of most training sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One evaluation language. `name` is its code in results (ISO 639-1 where there is one)."""

    name: str
    english_name: str
    family: str
    script: str
    resource: Literal["high", "low"]
