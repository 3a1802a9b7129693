"""Undo the blanks of tokenised texts: `they 're here , too .` becomes `they're here, too.`.

XNLI's translated training rows went through the Moses tokenizer and a normalisation of punctuation; XNLI's test rows
and MultiNLI itself did not. Read as they are, rows in two languages would differ in more than their language. A split
counts as tokenised if most of its texts have a blank before a mark, so that a copy of MultiNLI in either form is read
alike. Spelling that the translation lost, such as the hamza of Arabic, stays lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = "detokenised-1"  # in the fingerprint of datasets that may be tokenised: raise it with every change below
MIN_SHARE = 0.5  # real rows: 72 to 99 % of tokenised hypotheses have such a blank, 0 to 6 % of others
SAMPLE_ROWS = 1_000  # the first rows, which decide

_BLANK_BEFORE_MARK = re.compile(r"\s[.,!?;:%)\]}،؟؛۔。，！？；：、]")
_CLOSING = re.compile(r"[.,!?;:%)\]}،؟؛۔。，！？；：、…٪]+")
_OPENING = re.compile(r"[(\[{¿¡$£€]+")
_QUOTES = ('"', "'")
_CLITIC = re.compile(r"['’][^\W\d_]")  # 's
_ELISION = re.compile(r"[^\W\d_]['’]$")  # l'
_LONE_CLITIC = re.compile(r"(s|t|re|ve|ll|d|m)$", re.IGNORECASE)  # they ' re, also in untranslated English words
_SUFFIX = re.compile(r"[a-zçğıöşü]{1,5}$")  # Turkish sets endings of names off: Walkman ' im
_CJK = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_CJK_BLANKS = re.compile(rf"(?<={_CJK})\s+(?=\S)|(?<=\S)\s+(?={_CJK})")

# Marks that keep their blank: two thirds of them have one in XNLI's French test rows.
_SPACED_MARKS = {"fr": frozenset("?!:")}
# Marks of a script that the normalisation replaced by ASCII: XNLI's test rows have 4,786 `。` to 46 `.` in Chinese
# hypotheses, and 442 `،` to 9 `,` in Arabic ones. Urdu kept its own.
_SCRIPT_MARKS = {
    "ar": str.maketrans(",?;", "،؟؛"),
    "zh": str.maketrans(",.?!;:", "，。？！；："),
}


@dataclass(frozen=True, slots=True)
class TokenisedTexts:
    """The language of tokenised texts, and the share of them with a blank before a mark."""

    language: str
    share: float


def share_with_blank(texts: Sequence[str | None]) -> float:
    """Return the share of texts, from 0 to 1, that have a blank before a mark such as a full stop."""
    return sum(_BLANK_BEFORE_MARK.search(text or "") is not None for text in texts) / max(len(texts), 1)


def find_tokenised(texts: Sequence[str | None], language: str) -> TokenisedTexts | None:
    """Return the share of the first SAMPLE_ROWS texts with a blank before a mark; None if they are not tokenised."""
    share = share_with_blank(texts[:SAMPLE_ROWS])
    return TokenisedTexts(language, share) if share >= MIN_SHARE else None


def detokenise(text: str, language: str) -> str:
    """Return a tokenised text as it is usually written.

    Closing marks and clitics join the word before them, opening brackets and elisions the word after them; quotation
    marks open and close in turn. Chinese words are joined, and marks of the script are put back (`ar`, `zh`).
    """
    words, joined = text.split(), []
    is_open = dict.fromkeys(_QUOTES, False)
    joins_next = True  # no blank before the first word
    for i, word in enumerate(words):
        before, after = words[i - 1] if i else "", words[i + 1] if i + 1 < len(words) else ""
        joins_before, glue = False, False
        if _CLOSING.fullmatch(word):
            joins_before = word not in _SPACED_MARKS.get(language, ())
            word = word.translate(_SCRIPT_MARKS.get(language, {})) if word != "." * len(word) or word == "." else word
        elif _OPENING.fullmatch(word):
            glue = True
        elif _is_apostrophe_inside(before, word, after, language):
            joins_before = glue = True
        elif language == "en" and _CLITIC.match(word) and before[-1:].isalpha():
            joins_before = True
        elif language == "en" and word == "'" and before.endswith("s") and not is_open[word]:
            joins_before = True  # the students' books
        elif language in ("fr", "it") and _ELISION.search(word) and after[:1].isalpha():
            glue = True
        elif word in is_open:
            joins_before, glue = is_open[word], not is_open[word]
            is_open[word] = not is_open[word]
        joined.append(word if joins_next or joins_before else f" {word}")
        joins_next = glue
    return _CJK_BLANKS.sub("", "".join(joined)) if language in ("zh", "ja") else "".join(joined)


def _is_apostrophe_inside(before: str, word: str, after: str, language: str) -> bool:
    """Return True for a lone apostrophe between a word and its ending."""
    ending = _SUFFIX if language == "tr" else _LONE_CLITIC
    return word in ("'", "’") and before[-1:].isalpha() and ending.match(after) is not None
