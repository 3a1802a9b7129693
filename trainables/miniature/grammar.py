"""Clauses and questions without a language, and how each language says them.

A clause is `agent verb [number] [adjective] patient [in place] [for organisation]`. The languages differ in the order
of its parts, in adpositions and in suffixes, and `render` is a plain function of clause and language: what is built
once from concepts is the same sentence in every language.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from trainables.miniature.lexicon import (
    ALL_ADJECTIVES,
    ALL_NOUNS,
    ALL_VERBS,
    AMBIGUOUS,
    CASE_SUFFIX,
    FIRST_NAMES,
    LAST_NAMES,
    ORGANISATIONS,
    PLACES,
    SHARED_SYMBOLS,
    VERB_SUFFIX,
)

Role = Literal[
    "agent", "never", "verb", "number", "adjective", "patient", "in", "place", "for", "organisation", "wh", "end"
]
Slot = Literal["agent", "verb", "patient", "place", "organisation"]
QUESTION_WORDS: Mapping[Slot, str] = {"agent": "who", "patient": "what", "place": "where", "organisation": "which"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """What sets a language's sentences apart from the English ones."""

    adjective_last: bool = False  # the adjective follows its noun
    verb_last: bool = False  # agent, patient, places, verb
    postpositions: bool = False  # `Paris in`
    verb_suffix: bool = False
    case_suffix: bool = False


NEVIC = Grammar()
MORIC = Grammar(adjective_last=True, verb_suffix=True)
FENIC = Grammar(verb_last=True, postpositions=True, case_suffix=True)
GRAMMARS = {"en": Grammar(), "qna": NEVIC, "qnb": NEVIC, "qma": MORIC, "qmb": MORIC, "qfa": FENIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One event, in concepts. With `asked` it is a question about that part, which then holds the right answer."""

    agent: tuple[str, ...]
    verb: str
    patient: tuple[str, ...]  # a noun, or names
    adjective: str | None = None
    number: str | None = None
    place: str | None = None
    organisation: str | None = None
    never: bool = False
    asked: Slot | None = None


@dataclass(frozen=True, slots=True)
class RenderedWord:
    """One word of a rendered sentence: how it is written, its concept, and the part it plays."""

    word: str
    concept: str
    role: Role
    slot: Slot | None = None  # the answer it would belong to


def render(clause: Clause, language: str, words: Mapping[str, str]) -> list[RenderedWord]:
    """The words of a clause or question in one language; `words` gives the word for each concept."""
    grammar = GRAMMARS[language]
    parts: dict[str, list[RenderedWord]] = {
        "agent": [RenderedWord(words[name], name, "agent", "agent") for name in clause.agent],
        "never": [RenderedWord(words["never"], "never", "never")] if clause.never else [],
        "verb": [RenderedWord(words[clause.verb] + VERB_SUFFIX * grammar.verb_suffix, clause.verb, "verb", "verb")],
        "patient": _render_patient(clause, grammar, words),
        "place": _render_phrase("in", "place", clause.place, grammar, words),
        "organisation": _render_phrase("for", "organisation", clause.organisation, grammar, words),
    }
    front: list[RenderedWord] = []
    if clause.asked:
        front = [RenderedWord(words[QUESTION_WORDS[clause.asked]], QUESTION_WORDS[clause.asked], "wh")]
        parts[clause.asked] = []
    phrases = ("agent", "patient", "place", "organisation", "never", "verb")
    order = phrases if grammar.verb_last else ("agent", "never", "verb", "patient", "place", "organisation")
    end = "?" if clause.asked else "."
    return [*front, *(piece for part in order for piece in parts[part]), RenderedWord(end, end, "end")]


def _render_patient(clause: Clause, grammar: Grammar, words: Mapping[str, str]) -> list[RenderedWord]:
    number = [RenderedWord(clause.number, clause.number, "number", "patient")] if clause.number else []
    adjective = (
        [RenderedWord(words[clause.adjective], clause.adjective, "adjective", "patient")] if clause.adjective else []
    )
    case = CASE_SUFFIX * grammar.case_suffix
    noun = [RenderedWord(words[concept] + case, concept, "patient", "patient") for concept in clause.patient]
    return [*number, *noun, *adjective] if grammar.adjective_last else [*number, *adjective, *noun]


def _render_phrase(
    adposition: Literal["in", "for"], slot: Slot, name: str | None, grammar: Grammar, words: Mapping[str, str]
) -> list[RenderedWord]:
    if name is None:
        return []
    pieces = [RenderedWord(words[adposition], adposition, adposition), RenderedWord(words[name], name, slot, slot)]
    return pieces[::-1] if grammar.postpositions else pieces


def join_words(pieces: Iterable[RenderedWord]) -> str:
    """The sentence as it is written, words apart from each other and from the full stop."""
    return " ".join(piece.word for piece in pieces)


class _EnglishWords(dict[str, str]):
    """English: each concept is its own word."""

    def __missing__(self, concept: str) -> str:
        return concept


_ENGLISH = _EnglishWords()


def render_english(event: Clause) -> str:
    """The clause in English, which is the same in every world."""
    return join_words(render(event, "en", _ENGLISH))


@dataclass(frozen=True, slots=True, kw_only=True)
class Richness:
    """How often a clause has each optional part (shares)."""

    adjective: float = 0.4
    number: float = 0.15
    place: float = 0.4
    organisation: float = 0.25
    never: float = 0.15
    last_name: float = 0.4


def draw_clause(draw: random.Random, richness: Richness, verbs: Iterable[str] = ALL_VERBS) -> Clause:
    """A random clause with one of the given verbs."""
    return Clause(
        agent=draw_person(draw, richness),
        verb=draw.choice(tuple(verbs)),
        patient=(draw.choice(ALL_NOUNS),),
        adjective=draw.choice(ALL_ADJECTIVES) if draw.random() < richness.adjective else None,
        number=draw.choice(SHARED_SYMBOLS[:8]) if draw.random() < richness.number else None,
        place=draw_place(draw) if draw.random() < richness.place else None,
        organisation=draw_organisation(draw) if draw.random() < richness.organisation else None,
        never=draw.random() < richness.never,
    )


def draw_person(draw: random.Random, richness: Richness) -> tuple[str, ...]:
    """A first name, often with a last name."""
    first = draw.choice(FIRST_NAMES)
    return (first, draw.choice(LAST_NAMES + AMBIGUOUS)) if draw.random() < richness.last_name else (first,)


def draw_place(draw: random.Random) -> str:
    """The name of a place."""
    return draw.choice(PLACES + AMBIGUOUS)


def draw_organisation(draw: random.Random) -> str:
    """The name of an organisation or product."""
    return draw.choice(ORGANISATIONS + AMBIGUOUS)


def ask(event: Clause, draw: random.Random) -> Clause:
    """The question about one of the parts that the clause has."""
    there = [slot for slot in QUESTION_WORDS if getattr(event, slot)]
    asked = draw.choice(there)
    if asked == "patient":  # `what` asks for the number and the adjective as well
        event = replace(event, adjective=None, number=None)
    return replace(event, asked=asked)


def drop_optional(event: Clause, draw: random.Random, share: float) -> Clause:
    """The clause with each optional part left out with this chance, except an asked one."""
    return replace(
        event,
        adjective=None if draw.random() < share else event.adjective,
        number=None if draw.random() < share else event.number,
        place=None if draw.random() < share and event.asked != "place" else event.place,
        organisation=None if draw.random() < share and event.asked != "organisation" else event.organisation,
    )
