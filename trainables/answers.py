"""What makes two answers to a question comparable: SQuAD's rule and MLQA's.

XTREME scores XQuAD and TyDiQA with SQuAD 1.1's script, whose normalisation is made for English, in every language:
Chinese or Thai text without blanks is one word, so that F1 is nearly exact match there. That is kept.
"""

import functools
import re
import string
import sys
import unicodedata
from collections.abc import Callable
from typing import Literal

Normalise = Callable[[str], str]

_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = frozenset(string.punctuation)

# Articles by MLQA's rule. Arabic: the first half of the expression can never match (a blank, then the start of the
# text), the second deletes the two letters anywhere, also inside a word. Hindi and Chinese have none.
_MLQA_ARTICLES: dict[str, re.Pattern[str] | None] = {
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "ar": re.compile("\\s\u0627\u0644^|\u0627\u0644"),
    "hi": None,
    "zh": None,
}
_CHINESE = re.compile("([\u4e00-\u9fa5])")


def normaliser(rule: Literal["squad", "mlqa"], language: str) -> Normalise:
    """The function that makes answers comparable; raises ValueError for a language that MLQA's rule does not know."""
    if rule == "squad":
        return normalise_squad
    if language not in _MLQA_ARTICLES:
        raise ValueError(f"MLQA's rule knows {', '.join(_MLQA_ARTICLES)}, not {language!r}.")
    return functools.partial(normalise_mlqa, language=language)


def normalise_squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks (SQuAD 1.1 and 2.0)."""
    kept = "".join(letter for letter in text.lower() if letter not in _ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", kept).split())


def normalise_mlqa(text: str, language: str) -> str:
    """MLQA's rule for an answer in `language`: punctuation of every script, own articles, Chinese by character."""
    kept = "".join(letter for letter in text.lower() if letter not in _punctuation())
    articles = _MLQA_ARTICLES[language]
    if articles is not None:
        kept = articles.sub(" ", kept)
    if language == "zh":
        kept = _CHINESE.sub(r" \1 ", kept)
    return " ".join(kept.split())


@functools.cache
def _punctuation() -> frozenset[str]:
    """Every character of a Unicode category P*, and all ASCII punctuation (which has symbols such as $, too)."""
    everything = map(chr, range(sys.maxunicode))
    marks = {letter for letter in everything if unicodedata.category(letter).startswith("P")}
    return frozenset(marks | _ASCII_PUNCTUATION)
