"""Languages and labels of the miniature."""

from spaces.language import Language
from spaces.table import Table

# Codes from qaa to qtz are reserved for local use in ISO 639-2: n = near, m = mid, f = far from English.
LANGUAGES = Table(
    "language",
    [
        Language("en", "English", "Anglic", "Latin", "high"),
        Language("qna", "Nevish", "Nevic", "Latin", "high"),
        Language("qnb", "Nelvan", "Nevic", "Latin", "high"),
        Language("qma", "Morean", "Moric", "Greek", "high"),
        Language("qmb", "Molkan", "Moric", "Greek", "low"),
        Language("qfa", "Fenari", "Fenic", "Cyrillic", "high"),
    ],
)

ALL_LANGUAGES = tuple(LANGUAGES)
FOREIGN_LANGUAGES = ALL_LANGUAGES[1:]

PARAPHRASE_LABELS = ("different", "paraphrase")
TOPIC_LABELS = ("topic1", "topic2", "topic3")
INTENT_LABELS = (*(f"assert-{topic}" for topic in TOPIC_LABELS), *(f"deny-{topic}" for topic in TOPIC_LABELS))
# The digit of a noun or verb is its arbitrary class.
POS_TAGS = ("NOUN1", "NOUN2", "VERB1", "VERB2", "ADJ", "ADP", "ADV", "NUM", "PRON", "PROPN", "PUNCT")
ENTITY_TAGS = ("O", "B-PER", "I-PER", "B-LOC", "B-ORG", "B-PROD")
# Categories in the style of combinatory grammar: they depend on the role of a word, and on its class or brand.
SUPERTAGS = tuple(
    r"NP NP/NP N1 N2 (S\NP)/NP1 (S\NP)/NP2 (S\NP)/(S\NP) N/N N/N-number PP/NP-place PP/NP-organisation "
    r"NP-place NP-organisation NP-product wh punctuation".split()
)
