"""Sentence pairs in concepts: inference (mnli, anli, xnli), duplicate questions (qqp), paraphrases (pawsx)."""

import random
from dataclasses import dataclass, replace

from trainables.miniature import meaning
from trainables.miniature.grammar import PLAIN_RICHNESS, Clause, Richness, ask, draw_clause, draw_place, drop_optional

ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
DIFFERENT, PARAPHRASE = range(2)


@dataclass(frozen=True, slots=True)
class PairItem:
    """Two sentences, in concepts, and their label."""

    first: Clause
    second: Clause
    label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceLevel:
    """The difficulty of an inference task, in shares."""

    richness: Richness = PLAIN_RICHNESS
    dropped: float = 0.5  # optional parts of the premise that the hypothesis drops
    reworded: float = 0.5  # words of the hypothesis that are replaced by synonyms
    negation: float = 0.4  # contradictions by `never`; the others are by an opposite
    people: float = 0.25  # premises about two people, which are contradicted by a swap as well


NLI_LEVEL = InferenceLevel()
ADVERSARIAL_LEVEL = InferenceLevel(
    richness=Richness(adjective=0.6, place=0.5, organisation=0.3, never=0.3), dropped=0.4, reworded=0.8, negation=0.2
)


def draw_inference(rng: random.Random, level: InferenceLevel) -> PairItem:
    """Return a premise and a hypothesis.

    A part of the premise is entailed, another noun or an added place is neutral, and a reversal contradicts.
    """
    premise = draw_clause(rng, level.richness)
    if rng.random() < level.people:
        premise = meaning.put_people(premise, rng)
    hypothesis = meaning.reword(drop_optional(premise, rng, level.dropped), rng, level.reworded)
    label = rng.randrange(3)
    if label == NEUTRAL and premise.place is None and rng.random() < 0.5:
        hypothesis = replace(hypothesis, place=draw_place(rng))
    elif label == NEUTRAL:
        hypothesis = meaning.change_patient(hypothesis, rng)
    elif label == CONTRADICTION:
        if meaning.is_about_people(premise) and rng.random() < 0.5:
            hypothesis = meaning.swap_people(hypothesis)
        elif rng.random() < level.negation:
            hypothesis = replace(hypothesis, never=not hypothesis.never)
        else:
            hypothesis = meaning.oppose(hypothesis, rng)
    return PairItem(premise, hypothesis, label)


def draw_question_pair(rng: random.Random) -> PairItem:
    """Return two questions about the same part: in other words, or about an opposite, another noun or another place."""
    question = ask(draw_clause(rng, PLAIN_RICHNESS), rng)
    other = meaning.reword(question, rng, 0.5)
    label = rng.randrange(2)
    if label == DIFFERENT:
        changes = ["opposite", "opposite"]
        changes += ["noun"] * (question.asked != "patient")
        changes += ["place"] * (question.asked != "place" and question.place is not None)
        match rng.choice(changes):
            case "opposite":
                other = meaning.oppose(other, rng)
            case "noun":
                other = meaning.change_patient(other, rng)
            case _:
                place = draw_place(rng)
                while place == other.place:
                    place = draw_place(rng)
                other = replace(other, place=place)
    return PairItem(question, other, label)


def draw_paraphrase(rng: random.Random) -> PairItem:
    """Return two sentences of the same words, or of synonyms and opposites.

    Half of the pairs are about two people, and differ if these are swapped. The others differ by opposites.
    """
    first = draw_clause(rng, PLAIN_RICHNESS)
    if rng.random() < 0.5:
        first = meaning.put_people(first, rng)
    second = meaning.reword(first, rng, 0.5)
    label = rng.randrange(2)
    if label == DIFFERENT:
        second = meaning.swap_people(second) if meaning.is_about_people(second) else meaning.oppose(second, rng)
    return PairItem(first, second, label)


def perturb_pair(item: PairItem) -> PairItem:
    """Return the pair with shared verbs and adjectives replaced by synonyms in the second sentence: the label stays."""
    first, second = item.first, item.second
    if second.verb == first.verb:
        second = replace(second, verb=meaning.SYNONYM_OF[second.verb])
    if second.adjective and second.adjective == first.adjective:
        second = replace(second, adjective=meaning.SYNONYM_OF[second.adjective])
    return replace(item, second=second)


def draw_mislabelled(rng: random.Random) -> PairItem:
    """Return a pair like those of mnli with a random label (the negative control)."""
    return replace(draw_inference(rng, NLI_LEVEL), label=rng.randrange(3))
