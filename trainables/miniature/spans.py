"""Passages with a question: squad, squad2 and the targets xquad, mlqa and tydiqa, without a language and rendered."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from trainables.features.examples import SpanExample
from trainables.miniature.grammar import (
    Clause,
    RenderedWord,
    Richness,
    Slot,
    ask,
    draw_clause,
    drop_optional,
    join_words,
    render,
)
from trainables.miniature.lexicon import CASE_SUFFIX, VERB_SUFFIX, Lexicon
from trainables.miniature.meaning import GROUP_OF, change_patient, oppose, reword

PLAIN = Richness()


@dataclass(frozen=True, slots=True)
class SpanItem:
    """A passage and a question, in concepts. The answer is the part `slot` of clause `where` (None: there is none)."""

    passage: tuple[Clause, ...]
    question: Clause
    where: int | None
    slot: Slot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingLevel:
    """How hard a reading task is (shares)."""

    richness: Richness = PLAIN
    dropped: float = 0.2  # optional parts of the clause that the question leaves out
    reworded: float = 0.3  # words of the question replaced by their synonym
    unanswerable: float = 0.0


SQUAD = ReadingLevel()
SQUAD2 = ReadingLevel(unanswerable=0.33)
XQUAD = ReadingLevel(reworded=0.5)
MLQA = ReadingLevel(richness=Richness(adjective=0.5, number=0.25, place=0.5, organisation=0.5), reworded=0.5)
TYDIQA = ReadingLevel(dropped=0.4, reworded=0.8)


def draw_passage_question(draw: random.Random, level: ReadingLevel) -> SpanItem:
    """Two events with different verbs and nouns, so that only one can be meant, and a question about one of them."""
    first = second = draw_clause(draw, level.richness)
    while GROUP_OF[second.verb] == GROUP_OF[first.verb] or second.patient == first.patient:
        second = draw_clause(draw, level.richness)
    passage = (first, second)
    where = draw.randrange(2)
    question = reword(drop_optional(ask(passage[where], draw), draw, level.dropped), draw, level.reworded)
    slot = question.asked
    if draw.random() < level.unanswerable:
        change = oppose if question.asked == "patient" or draw.random() < 0.5 else change_patient
        return SpanItem(passage, change(question, draw), None, None)
    return SpanItem(passage, question, where, slot)


def render_example(item: SpanItem, language: str, lexicon: Lexicon, name: str) -> SpanExample:
    """The passage and question in one language. Where a suffix ends the answer, the answer without it counts too."""
    words = lexicon.words[language]
    clauses = [render(event, language, words) for event in item.passage]
    question = join_words(render(item.question, language, words))
    context = " ".join(join_words(pieces) for pieces in clauses)
    if item.where is None:
        return SpanExample(name, question, context, (), ())
    before = sum(len(join_words(pieces)) + 1 for pieces in clauses[: item.where])
    pieces = clauses[item.where]
    inside = [place for place, piece in enumerate(pieces) if piece.slot == item.slot]
    start = before + _text_width(pieces[: inside[0]])
    answer = join_words(pieces[inside[0] : inside[-1] + 1])
    bare = answer.removesuffix(CASE_SUFFIX).removesuffix(VERB_SUFFIX)
    answers = (answer,) if bare == answer else (answer, bare)
    return SpanExample(name, question, context, answers, (start,) * len(answers))


def _text_width(pieces: Sequence[RenderedWord]) -> int:
    """Characters up to the word after these pieces."""
    return sum(len(piece.word) + 1 for piece in pieces)
