"""Passages with a question, in concepts and rendered: squad, squad2 and the targets xquad, mlqa and tydiqa."""

import random
from dataclasses import dataclass

from trainables.features.examples import SpanExample
from trainables.miniature import grammar
from trainables.miniature.lexicon import CASE_SUFFIX, VERB_SUFFIX, Lexicon
from trainables.miniature.meaning import GROUP_OF, change_patient, oppose, reword


@dataclass(frozen=True, slots=True)
class SpanItem:
    """A passage and a question, in concepts. The answer is the part `slot` of clause `where` (None: there is none)."""

    passage: tuple[grammar.Clause, ...]
    question: grammar.Clause
    where: int | None
    slot: grammar.Slot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingLevel:
    """The difficulty of a reading task, in shares."""

    richness: grammar.Richness = grammar.PLAIN_RICHNESS
    dropped: float = 0.2  # optional parts of the clause that the question drops
    reworded: float = 0.3  # words of the question that are replaced by synonyms
    unanswerable: float = 0.0


SQUAD = ReadingLevel()
SQUAD2 = ReadingLevel(unanswerable=0.33)
XQUAD = ReadingLevel(reworded=0.5)
MLQA = ReadingLevel(richness=grammar.Richness(adjective=0.5, number=0.25, place=0.5, organisation=0.5), reworded=0.5)
TYDIQA = ReadingLevel(dropped=0.4, reworded=0.8)


def draw_passage_question(rng: random.Random, level: ReadingLevel) -> SpanItem:
    """Return two events and a question about one. Their verbs and nouns differ, so that only one can be meant."""
    first = second = grammar.draw_clause(rng, level.richness)
    while GROUP_OF[second.verb] == GROUP_OF[first.verb] or second.patient == first.patient:
        second = grammar.draw_clause(rng, level.richness)
    passage, where = (first, second), rng.randrange(2)
    question = reword(grammar.drop_optional(grammar.ask(passage[where], rng), rng, level.dropped), rng, level.reworded)
    if rng.random() < level.unanswerable:
        change = oppose if question.asked == "patient" or rng.random() < 0.5 else change_patient
        return SpanItem(passage, change(question, rng), None, None)
    return SpanItem(passage, question, where, question.asked)


def render_example(item: SpanItem, language: str, lexicon: Lexicon, name: str) -> SpanExample:
    """Return the passage and question in one language. An answer that ends in a suffix is correct without it too."""
    words = lexicon.words[language]
    clauses = [grammar.render(clause, language, words) for clause in item.passage]
    question = grammar.join_words(grammar.render(item.question, language, words))
    context = " ".join(map(grammar.join_words, clauses))
    if item.where is None:
        return SpanExample(name, question, context, (), ())
    pieces = clauses[item.where]
    indices = [i for i, piece in enumerate(pieces) if piece.slot == item.slot]
    before = [piece for clause in clauses[: item.where] for piece in clause] + pieces[: indices[0]]
    start = sum(len(piece.word) + 1 for piece in before)  # each word is followed by a blank
    answer = grammar.join_words(pieces[indices[0] : indices[-1] + 1])
    bare = answer.removesuffix(CASE_SUFFIX).removesuffix(VERB_SUFFIX)
    answers = (answer,) if bare == answer else (answer, bare)
    return SpanExample(name, question, context, answers, (start,) * len(answers))
