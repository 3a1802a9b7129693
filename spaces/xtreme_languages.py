"""The 40 languages of XTREME (Hu et al. 2020) and the 10 that XTREME-R (Ruder et al. 2021) adds, by their codes.

`resource` follows the classes of Joshi et al. 2020 ("The State and Fate of Linguistic Diversity"): high are classes 4
and 5, low the classes below. Branches of Indo-European count as families, as in XTREME's own tables.
"""

from operator import attrgetter

from spaces.language import Language
from spaces.table import Table

_XTREME = (
    Language("af", "Afrikaans", "IE: Germanic", "Latin", "low"),
    Language("ar", "Arabic", "Afro-Asiatic", "Arabic", "high"),
    Language("bg", "Bulgarian", "IE: Slavic", "Cyrillic", "low"),
    Language("bn", "Bengali", "IE: Indo-Aryan", "Bengali", "low"),
    Language("de", "German", "IE: Germanic", "Latin", "high"),
    Language("el", "Greek", "IE: Greek", "Greek", "low"),
    Language("en", "English", "IE: Germanic", "Latin", "high"),
    Language("es", "Spanish", "IE: Romance", "Latin", "high"),
    Language("et", "Estonian", "Uralic", "Latin", "low"),
    Language("eu", "Basque", "Basque", "Latin", "high"),
    Language("fa", "Persian", "IE: Iranian", "Arabic", "high"),
    Language("fi", "Finnish", "Uralic", "Latin", "high"),
    Language("fr", "French", "IE: Romance", "Latin", "high"),
    Language("he", "Hebrew", "Afro-Asiatic", "Hebrew", "low"),
    Language("hi", "Hindi", "IE: Indo-Aryan", "Devanagari", "high"),
    Language("hu", "Hungarian", "Uralic", "Latin", "high"),
    Language("id", "Indonesian", "Austronesian", "Latin", "low"),
    Language("it", "Italian", "IE: Romance", "Latin", "high"),
    Language("ja", "Japanese", "Japonic", "Japanese", "high"),
    Language("jv", "Javanese", "Austronesian", "Latin", "low"),
    Language("ka", "Georgian", "Kartvelian", "Georgian", "low"),
    Language("kk", "Kazakh", "Turkic", "Cyrillic", "low"),
    Language("ko", "Korean", "Koreanic", "Hangul", "high"),
    Language("ml", "Malayalam", "Dravidian", "Malayalam", "low"),
    Language("mr", "Marathi", "IE: Indo-Aryan", "Devanagari", "low"),
    Language("ms", "Malay", "Austronesian", "Latin", "low"),
    Language("my", "Burmese", "Sino-Tibetan", "Burmese", "low"),
    Language("nl", "Dutch", "IE: Germanic", "Latin", "high"),
    Language("pt", "Portuguese", "IE: Romance", "Latin", "high"),
    Language("ru", "Russian", "IE: Slavic", "Cyrillic", "high"),
    Language("sw", "Swahili", "Niger-Congo", "Latin", "low"),
    Language("ta", "Tamil", "Dravidian", "Tamil", "low"),
    Language("te", "Telugu", "Dravidian", "Telugu", "low"),
    Language("th", "Thai", "Kra-Dai", "Thai", "low"),
    Language("tl", "Tagalog", "Austronesian", "Latin", "low"),
    Language("tr", "Turkish", "Turkic", "Latin", "high"),
    Language("ur", "Urdu", "IE: Indo-Aryan", "Arabic", "low"),
    Language("vi", "Vietnamese", "Austro-Asiatic", "Latin", "high"),
    Language("yo", "Yoruba", "Niger-Congo", "Latin", "low"),
    Language("zh", "Chinese", "Sino-Tibetan", "Han", "high"),
)

_XTREME_R_ONLY = (
    Language("az", "Azerbaijani", "Turkic", "Latin", "low"),
    Language("gu", "Gujarati", "IE: Indo-Aryan", "Gujarati", "low"),
    Language("ht", "Haitian Creole", "Creole", "Latin", "low"),
    Language("lt", "Lithuanian", "IE: Baltic", "Latin", "low"),
    Language("pa", "Punjabi", "IE: Indo-Aryan", "Gurmukhi", "low"),
    Language("pl", "Polish", "IE: Slavic", "Latin", "high"),
    Language("qu", "Quechua", "Quechuan", "Latin", "low"),
    Language("ro", "Romanian", "IE: Romance", "Latin", "low"),
    Language("uk", "Ukrainian", "IE: Slavic", "Cyrillic", "low"),
    Language("wo", "Wolof", "Niger-Congo", "Latin", "low"),
)

LANGUAGES = Table("language", _XTREME)
XTREME_R_LANGUAGES = Table("language", sorted(_XTREME + _XTREME_R_ONLY, key=attrgetter("name")))
