"""Sentences with a tag for each word: supertags (ccg), parts of speech (udpos), names (panx)."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spaces.miniature_languages import ENTITY_TAGS, POS_TAGS, SUPERTAGS
from trainables.miniature.grammar import Clause, RenderedWord, Richness, Role, ask, draw_clause
from trainables.miniature.lexicon import Lexicon

NAMED_RICHNESS = Richness(place=0.5, organisation=0.5)  # sentences in which places and organisations are common


@dataclass(frozen=True, slots=True)
class TagItem:
    """A sentence, in concepts. Its tags follow from the roles of its words."""

    sentence: Clause


Tagger = Callable[[list[RenderedWord], Lexicon], list[str]]


def draw_tag_item(rng: random.Random) -> TagItem:
    """Return a clause, or in one of five cases a question."""
    clause = draw_clause(rng, NAMED_RICHNESS)
    return TagItem(ask(clause, rng) if rng.random() < 0.2 else clause)


_TAG_OF_ROLE: Mapping[Role, str] = {
    "agent": "PROPN",
    "never": "ADV",
    "number": "NUM",
    "adjective": "ADJ",
    "in": "ADP",
    "place": "PROPN",
    "for": "ADP",
    "organisation": "PROPN",
    "wh": "PRON",
    "end": "PUNCT",
}
_SUPERTAG_OF_ROLE: Mapping[Role, str] = {
    "agent": "NP",
    "never": "(S\\NP)/(S\\NP)",
    "number": "N/N-number",
    "adjective": "N/N",
    "in": "PP/NP-place",
    "place": "NP-place",
    "for": "PP/NP-organisation",
    "wh": "wh",
    "end": "punctuation",
}


def tag_parts_of_speech(pieces: list[RenderedWord], lexicon: Lexicon) -> list[str]:
    """Return a part of speech for each word, with the arbitrary class of nouns and verbs."""
    stems = {"patient": "NOUN", "verb": "VERB"}
    return [
        f"{stems[piece.role]}{lexicon.classes[piece.concept] + 1}" if piece.role in stems else _TAG_OF_ROLE[piece.role]
        for piece in pieces
    ]


def tag_supertags(pieces: list[RenderedWord], lexicon: Lexicon) -> list[str]:
    """Return a category for each word, by its role, and by the arbitrary class of nouns, verbs and organisations."""
    tags = []
    for i, piece in enumerate(pieces):
        match piece.role:
            case "patient":
                tags.append(f"N{lexicon.classes[piece.concept] + 1}")
            case "verb":
                tags.append(f"(S\\NP)/NP{lexicon.classes[piece.concept] + 1}")
            case "organisation":
                tags.append("NP-product" if piece.concept in lexicon.products else "NP-organisation")
            case "agent" if pieces[i + 1].role == "agent":
                tags.append("NP/NP")  # a first name before its last name
            case role:
                tags.append(_SUPERTAG_OF_ROLE[role])
    return tags


def tag_entities(pieces: list[RenderedWord], lexicon: Lexicon) -> list[str]:
    """Return persons, places, organisations and products in BIO. Its role decides about an ambiguous name."""
    tags = []
    for i, piece in enumerate(pieces):
        match piece.role:
            case "agent":
                tags.append("I-PER" if i and pieces[i - 1].role == "agent" else "B-PER")
            case "place":
                tags.append("B-LOC")
            case "organisation":
                tags.append("B-PROD" if piece.concept in lexicon.products else "B-ORG")
            case _:
                tags.append("O")
    return tags


TAGGERS: Mapping[str, tuple[Tagger, tuple[str, ...]]] = {
    "ccg": (tag_supertags, SUPERTAGS),
    "udpos": (tag_parts_of_speech, POS_TAGS),
    "panx": (tag_entities, ENTITY_TAGS),
}
