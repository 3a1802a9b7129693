"""Sentence pairs without a language: inference (mnli, anli, xnli), duplicate questions (qqp), paraphrases (pawsx)."""

import random
from dataclasses import dataclass, replace

from trainables.miniature.grammar import Clause, Richness, ask, draw_clause, draw_place, drop_optional
from trainables.miniature.meaning import (
    SYNONYM_OF,
    change_patient,
    is_about_people,
    oppose,
    put_people,
    reword,
    swap_people,
)

ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
DIFFERENT, PARAPHRASE = range(2)
PLAIN = Richness()


@dataclass(frozen=True, slots=True)
class PairItem:
    """Two sentences, in concepts, and their label."""

    first: Clause
    second: Clause
    label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceLevel:
    """How hard an inference task is (shares)."""

    richness: Richness = PLAIN
    dropped: float = 0.5  # optional parts of the premise that the hypothesis leaves out
    reworded: float = 0.5  # words of the hypothesis replaced by their synonym
    negation: float = 0.4  # contradictions by `never`; the others are by an opposite
    people: float = 0.25  # premises about two people, which are contradicted by a swap as well


NLI_LEVEL = InferenceLevel()
ADVERSARIAL_LEVEL = InferenceLevel(
    richness=Richness(adjective=0.6, place=0.5, organisation=0.3, never=0.3), dropped=0.4, reworded=0.8, negation=0.2
)


def draw_inference(draw: random.Random, level: InferenceLevel) -> PairItem:
    """What the premise says in part is entailed; another noun or an added place is neutral; a reversal contradicts."""
    premise = draw_clause(draw, level.richness)
    if draw.random() < level.people:
        premise = put_people(premise, draw)
    hypothesis = reword(drop_optional(premise, draw, level.dropped), draw, level.reworded)
    label = draw.randrange(3)
    if label == NEUTRAL:
        added = premise.place is None and draw.random() < 0.5
        hypothesis = replace(hypothesis, place=draw_place(draw)) if added else change_patient(hypothesis, draw)
    elif label == CONTRADICTION:
        if is_about_people(premise) and draw.random() < 0.5:
            hypothesis = swap_people(hypothesis)
        elif draw.random() < level.negation:
            hypothesis = replace(hypothesis, never=not hypothesis.never)
        else:
            hypothesis = oppose(hypothesis, draw)
    return PairItem(premise, hypothesis, label)


def draw_question_pair(draw: random.Random) -> PairItem:
    """Two questions about the same part: the same in other words, or about an opposite, another noun or place."""
    question = ask(draw_clause(draw, PLAIN), draw)
    other = reword(question, draw, 0.5)
    label = draw.randrange(2)
    if label == DIFFERENT:
        changes = ["opposite", "opposite"]
        changes += ["noun"] * (question.asked != "patient")
        changes += ["place"] * (question.asked != "place" and question.place is not None)
        match draw.choice(changes):
            case "opposite":
                other = oppose(other, draw)
            case "noun":
                other = change_patient(other, draw)
            case _:
                other = replace(other, place=_draw_other_place(other, draw))
    return PairItem(question, other, label)


def _draw_other_place(event: Clause, draw: random.Random) -> str:
    while (found := draw_place(draw)) == event.place:
        pass
    return found


def draw_paraphrase(draw: random.Random) -> PairItem:
    """Half of the pairs are about two people, and differ when these change places; the others by opposites."""
    event = draw_clause(draw, PLAIN)
    if draw.random() < 0.5:
        event = put_people(event, draw)
    other = reword(event, draw, 0.5)
    label = draw.randrange(2)
    if label == DIFFERENT:
        other = swap_people(other) if is_about_people(other) else oppose(other, draw)
    return PairItem(event, other, label)


def perturb_pair(item: PairItem) -> PairItem:
    """The pair with the verb and the adjective that both share replaced by synonyms in the second: the label stays."""
    first, second = item.first, item.second
    if second.verb == first.verb:
        second = replace(second, verb=SYNONYM_OF[second.verb])
    if second.adjective and second.adjective == first.adjective:
        second = replace(second, adjective=SYNONYM_OF[second.adjective])
    return replace(item, second=second)


def draw_mislabelled(draw: random.Random) -> PairItem:
    """A pair like those of mnli with a random label (the negative control)."""
    return replace(draw_inference(draw, NLI_LEVEL), label=draw.randrange(3))
