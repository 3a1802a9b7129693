"""The 40 languages of XTREME (Hu et al. 2020) and the 10 that XTREME-R (Ruder et al. 2021) adds, by their codes.

`resource` follows the classes of Joshi et al. 2020 ("The State and Fate of Linguistic Diversity"): high are classes 4
and 5, low the classes below. Branches of Indo-European count as families, as in XTREME's own tables.
"""

from collections.abc import Iterable
from typing import Literal

from spaces.language import Language
from spaces.table import Table

_XTREME_ROWS: tuple[tuple[str, str, str, str, Literal["high", "low"]], ...] = (
    ("af", "Afrikaans", "IE: Germanic", "Latin", "low"),
    ("ar", "Arabic", "Afro-Asiatic", "Arabic", "high"),
    ("bg", "Bulgarian", "IE: Slavic", "Cyrillic", "low"),
    ("bn", "Bengali", "IE: Indo-Aryan", "Bengali", "low"),
    ("de", "German", "IE: Germanic", "Latin", "high"),
    ("el", "Greek", "IE: Greek", "Greek", "low"),
    ("en", "English", "IE: Germanic", "Latin", "high"),
    ("es", "Spanish", "IE: Romance", "Latin", "high"),
    ("et", "Estonian", "Uralic", "Latin", "low"),
    ("eu", "Basque", "Basque", "Latin", "high"),
    ("fa", "Persian", "IE: Iranian", "Arabic", "high"),
    ("fi", "Finnish", "Uralic", "Latin", "high"),
    ("fr", "French", "IE: Romance", "Latin", "high"),
    ("he", "Hebrew", "Afro-Asiatic", "Hebrew", "low"),
    ("hi", "Hindi", "IE: Indo-Aryan", "Devanagari", "high"),
    ("hu", "Hungarian", "Uralic", "Latin", "high"),
    ("id", "Indonesian", "Austronesian", "Latin", "low"),
    ("it", "Italian", "IE: Romance", "Latin", "high"),
    ("ja", "Japanese", "Japonic", "Japanese", "high"),
    ("jv", "Javanese", "Austronesian", "Latin", "low"),
    ("ka", "Georgian", "Kartvelian", "Georgian", "low"),
    ("kk", "Kazakh", "Turkic", "Cyrillic", "low"),
    ("ko", "Korean", "Koreanic", "Hangul", "high"),
    ("ml", "Malayalam", "Dravidian", "Malayalam", "low"),
    ("mr", "Marathi", "IE: Indo-Aryan", "Devanagari", "low"),
    ("ms", "Malay", "Austronesian", "Latin", "low"),
    ("my", "Burmese", "Sino-Tibetan", "Burmese", "low"),
    ("nl", "Dutch", "IE: Germanic", "Latin", "high"),
    ("pt", "Portuguese", "IE: Romance", "Latin", "high"),
    ("ru", "Russian", "IE: Slavic", "Cyrillic", "high"),
    ("sw", "Swahili", "Niger-Congo", "Latin", "low"),
    ("ta", "Tamil", "Dravidian", "Tamil", "low"),
    ("te", "Telugu", "Dravidian", "Telugu", "low"),
    ("th", "Thai", "Kra-Dai", "Thai", "low"),
    ("tl", "Tagalog", "Austronesian", "Latin", "low"),
    ("tr", "Turkish", "Turkic", "Latin", "high"),
    ("ur", "Urdu", "IE: Indo-Aryan", "Arabic", "low"),
    ("vi", "Vietnamese", "Austro-Asiatic", "Latin", "high"),
    ("yo", "Yoruba", "Niger-Congo", "Latin", "low"),
    ("zh", "Chinese", "Sino-Tibetan", "Han", "high"),
)

_XTREME_R_ROWS: tuple[tuple[str, str, str, str, Literal["high", "low"]], ...] = (
    ("az", "Azerbaijani", "Turkic", "Latin", "low"),
    ("gu", "Gujarati", "IE: Indo-Aryan", "Gujarati", "low"),
    ("ht", "Haitian Creole", "Creole", "Latin", "low"),
    ("lt", "Lithuanian", "IE: Baltic", "Latin", "low"),
    ("pa", "Punjabi", "IE: Indo-Aryan", "Gurmukhi", "low"),
    ("pl", "Polish", "IE: Slavic", "Latin", "high"),
    ("qu", "Quechua", "Quechuan", "Latin", "low"),
    ("ro", "Romanian", "IE: Romance", "Latin", "low"),
    ("uk", "Ukrainian", "IE: Slavic", "Cyrillic", "low"),
    ("wo", "Wolof", "Niger-Congo", "Latin", "low"),
)


def _build_table(rows: Iterable[tuple[str, str, str, str, Literal["high", "low"]]]) -> Table[Language]:
    return Table(
        "language",
        (
            Language(name=name, english_name=english_name, family=family, script=script, resource=resource)
            for name, english_name, family, script, resource in rows
        ),
    )


LANGUAGES = _build_table(_XTREME_ROWS)
XTREME_R_LANGUAGES = _build_table(sorted(_XTREME_ROWS + _XTREME_R_ROWS))
