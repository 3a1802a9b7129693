"""The languages that `xtreme-wide` adds to those of XTREME, and the codes that its datasets write.

Families and levels of resources are as in `xtreme_languages.py`: all of these languages are in the classes 0 to 3 of
Joshi et al. 2020. A language is named by ISO 639-1 where there is a code, so that a language has one name in all
targets; datasets of African and American languages write codes of ISO 639-3.
"""

from operator import attrgetter

from spaces.language import Language
from spaces.table import Table
from spaces.xtreme_languages import LANGUAGES as XTREME_LANGUAGES
from spaces.xtreme_languages import XTREME_R_LANGUAGES

_AFRICAN = (
    Language("am", "Amharic", "Afro-Asiatic", "Ethiopic", "low"),
    Language("bbj", "Ghomala", "Niger-Congo", "Latin", "low"),
    Language("bem", "Bemba", "Niger-Congo", "Latin", "low"),
    Language("bm", "Bambara", "Niger-Congo", "Latin", "low"),
    Language("ee", "Ewe", "Niger-Congo", "Latin", "low"),
    Language("fon", "Fon", "Niger-Congo", "Latin", "low"),
    Language("ha", "Hausa", "Afro-Asiatic", "Latin", "low"),
    Language("ig", "Igbo", "Niger-Congo", "Latin", "low"),
    Language("lg", "Ganda", "Niger-Congo", "Latin", "low"),
    Language("ln", "Lingala", "Niger-Congo", "Latin", "low"),
    Language("luo", "Luo", "Nilotic", "Latin", "low"),
    Language("mos", "Mossi", "Niger-Congo", "Latin", "low"),
    Language("ny", "Chichewa", "Niger-Congo", "Latin", "low"),
    Language("om", "Oromo", "Afro-Asiatic", "Latin", "low"),
    Language("pcm", "Nigerian Pidgin", "Creole", "Latin", "low"),
    Language("rw", "Kinyarwanda", "Niger-Congo", "Latin", "low"),
    Language("sn", "Shona", "Niger-Congo", "Latin", "low"),
    Language("st", "Southern Sotho", "Niger-Congo", "Latin", "low"),
    Language("tn", "Tswana", "Niger-Congo", "Latin", "low"),
    Language("tw", "Twi", "Niger-Congo", "Latin", "low"),
    Language("xh", "Xhosa", "Niger-Congo", "Latin", "low"),
    Language("zu", "Zulu", "Niger-Congo", "Latin", "low"),
)

_AMERICAN = (
    Language("ay", "Aymara", "Aymaran", "Latin", "low"),
    Language("bzd", "Bribri", "Chibchan", "Latin", "low"),
    Language("cni", "Ashaninka", "Arawakan", "Latin", "low"),
    Language("gn", "Guarani", "Tupian", "Latin", "low"),
    Language("hch", "Wixarika", "Uto-Aztecan", "Latin", "low"),
    Language("nah", "Nahuatl", "Uto-Aztecan", "Latin", "low"),
    Language("oto", "Otomi", "Oto-Manguean", "Latin", "low"),
    Language("shp", "Shipibo-Konibo", "Panoan", "Latin", "low"),
    Language("tar", "Raramuri", "Uto-Aztecan", "Latin", "low"),
)

_INDIC = (
    Language("as", "Assamese", "IE: Indo-Aryan", "Bengali", "low"),
    Language("kn", "Kannada", "Dravidian", "Kannada", "low"),
    Language("or", "Odia", "IE: Indo-Aryan", "Odia", "low"),
)

_SHARED_WITH_XTREME_R = tuple(XTREME_R_LANGUAGES[name] for name in ("gu", "pa", "qu", "wo"))

LANGUAGES = Table(
    "language",
    sorted(
        (*XTREME_LANGUAGES.values(), *_SHARED_WITH_XTREME_R, *_AFRICAN, *_AMERICAN, *_INDIC), key=attrgetter("name")
    ),
)

_NAMES_AND_CODES = (
    "am amh bbj bbj bem bem bm bam ee ewe fon fon ha hau ig ibo lg lug ln lin luo luo mos mos ny nya om orm pcm pcm "
    "rw kin sn sna st sot sw swa tn tsn tw twi wo wol xh xho yo yor zu zul"
).split()
_AFRICAN_CODES = dict(zip(_NAMES_AND_CODES[::2], _NAMES_AND_CODES[1::2], strict=True))

# AmericasNLI's Quechua is that of Ayacucho, a variety of its own in ISO 639-3.
AMERICAN_CODES = {row.name: row.name for row in _AMERICAN} | {"ay": "aym", "qu": "quy"}
INDIC_LANGUAGES = ("as", "bn", "gu", "hi", "kn", "ml", "mr", "or", "pa", "ta", "te")


def choose_african_codes(names: str) -> dict[str, str]:
    """Return the codes that Masakhane's datasets write for the named languages, which are separated by blanks."""
    return {name: _AFRICAN_CODES[name] for name in names.split()}
