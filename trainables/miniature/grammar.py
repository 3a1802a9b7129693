"""Clauses and questions in concepts, and their rendering in each language.

A clause is `agent verb [number] [adjective] patient [in place] [for organisation]`. The languages differ in the order
of its parts, in adpositions and in suffixes. `render` is a plain function of clause and language: the same concepts
make the same sentence in every language.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from spaces.language import ENGLISH
from trainables.miniature import lexicon

Role = Literal[
    "agent", "never", "verb", "number", "adjective", "patient", "in", "place", "for", "organisation", "wh", "end"
]
Slot = Literal["agent", "verb", "patient", "place", "organisation"]
QUESTION_WORDS: Mapping[Slot, str] = {"agent": "who", "patient": "what", "place": "where", "organisation": "which"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Differences of a language's sentences from English ones."""

    adjective_last: bool = False  # the adjective follows its noun
    verb_last: bool = False  # agent, patient, places, verb
    postpositions: bool = False  # `Paris in`
    verb_suffix: bool = False
    case_suffix: bool = False


NEVIC = Grammar()
MORIC = Grammar(adjective_last=True, verb_suffix=True)
FENIC = Grammar(verb_last=True, postpositions=True, case_suffix=True)
GRAMMARS = {ENGLISH: Grammar(), "qna": NEVIC, "qnb": NEVIC, "qma": MORIC, "qmb": MORIC, "qfa": FENIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """An event, in concepts. With `asked` it is a question about that part, which then holds the correct answer."""

    agent: tuple[str, ...]
    verb: str
    patient: tuple[str, ...]  # a noun, or names
    adjective: str | None = None
    number: str | None = None
    place: str | None = None
    organisation: str | None = None
    never: bool = False
    asked: Slot | None = None


class RenderedWord(NamedTuple):
    """A word of a rendered sentence: its text, its concept, and its role. Millions are made, hence a tuple."""

    word: str
    concept: str
    role: Role
    slot: Slot | None = None  # the answer that it would be part of


def render(clause: Clause, language: str, words: Mapping[str, str]) -> list[RenderedWord]:
    """Return the words of a clause or question in one language; `words` maps concepts to words."""
    grammar = GRAMMARS[language]
    suffix = lexicon.VERB_SUFFIX * grammar.verb_suffix
    parts: dict[str, list[RenderedWord]] = {
        "agent": [RenderedWord(words[name], name, "agent", "agent") for name in clause.agent],
        "never": [RenderedWord(words["never"], "never", "never")] if clause.never else [],
        "verb": [RenderedWord(words[clause.verb] + suffix, clause.verb, "verb", "verb")],
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
    name = clause.adjective
    adjective = [RenderedWord(words[name], name, "adjective", "patient")] if name else []
    case = lexicon.CASE_SUFFIX * grammar.case_suffix
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
    """Return the text of a sentence, with blanks between words and before the full stop."""
    return " ".join(piece.word for piece in pieces)


def render_english(clause: Clause) -> str:
    """Return the clause in English, which is the same in every world."""
    return join_words(render(clause, ENGLISH, lexicon.ENGLISH_WORDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Richness:
    """The share of clauses that have each optional part."""

    adjective: float = 0.4
    number: float = 0.15
    place: float = 0.4
    organisation: float = 0.25
    never: float = 0.15
    last_name: float = 0.4


PLAIN_RICHNESS = Richness()


def draw_clause(rng: random.Random, richness: Richness, verbs: Iterable[str] = lexicon.ALL_VERBS) -> Clause:
    """Return a random clause with one of the given verbs."""
    organisations = lexicon.ORGANISATIONS + lexicon.AMBIGUOUS
    first_name = rng.choice(lexicon.FIRST_NAMES)
    last_names = (rng.choice(lexicon.LAST_NAMES + lexicon.AMBIGUOUS),) if rng.random() < richness.last_name else ()
    return Clause(
        agent=(first_name, *last_names),
        verb=rng.choice(tuple(verbs)),
        patient=(rng.choice(lexicon.ALL_NOUNS),),
        adjective=rng.choice(lexicon.ALL_ADJECTIVES) if rng.random() < richness.adjective else None,
        number=rng.choice(lexicon.SHARED_SYMBOLS[:8]) if rng.random() < richness.number else None,
        place=draw_place(rng) if rng.random() < richness.place else None,
        organisation=rng.choice(organisations) if rng.random() < richness.organisation else None,
        never=rng.random() < richness.never,
    )


def draw_place(rng: random.Random) -> str:
    """Return the name of a place."""
    return rng.choice(lexicon.PLACES + lexicon.AMBIGUOUS)


def ask(clause: Clause, rng: random.Random) -> Clause:
    """Return a question about one of the parts that the clause has."""
    asked = rng.choice([slot for slot in QUESTION_WORDS if getattr(clause, slot)])
    if asked == "patient":  # `what` asks for the number and the adjective as well
        clause = replace(clause, adjective=None, number=None)
    return replace(clause, asked=asked)


def drop_optional(clause: Clause, rng: random.Random, share: float) -> Clause:
    """Return the clause with each optional part dropped with probability `share`, unless it is asked."""
    return replace(
        clause,
        adjective=None if rng.random() < share else clause.adjective,
        number=None if rng.random() < share else clause.number,
        place=None if rng.random() < share and clause.asked != "place" else clause.place,
        organisation=None if rng.random() < share and clause.asked != "organisation" else clause.organisation,
    )
