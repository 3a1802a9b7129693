"""What words have to do with each other: synonyms, opposites, kinds of nouns, and which events follow which."""

import random
from dataclasses import replace

from trainables.miniature.grammar import Clause
from trainables.miniature.lexicon import ADJECTIVES, ALL_NOUNS, FIRST_NAMES, NOUNS, VERBS

SCALES = VERBS + ADJECTIVES  # each is two poles, and each pole two synonyms
SYNONYM_OF = {word: twin for poles in SCALES for pole in poles for word, twin in (pole, pole[::-1])}
OPPOSITES_OF = {word: other for poles in SCALES for pole, other in (poles, poles[::-1]) for word in pole}

CATEGORY_OF = {noun: category for category, nouns in NOUNS.items() for noun in nouns}
GROUP_OF = {verb: group for group, poles in enumerate(VERBS) for pole in poles for verb in pole}
GROUP_VERBS = tuple(tuple(verb for pole in poles for verb in pole) for poles in VERBS)


def reword(event: Clause, draw: random.Random, share: float) -> Clause:
    """The clause with its verb and its adjective each replaced by the synonym with this chance: the meaning stays."""
    if draw.random() < share:
        event = replace(event, verb=SYNONYM_OF[event.verb])
    if event.adjective and draw.random() < share:
        event = replace(event, adjective=SYNONYM_OF[event.adjective])
    return event


def reword_fully(event: Clause) -> Clause:
    """The clause with the synonyms of its verb and its adjective."""
    return replace(
        event, verb=SYNONYM_OF[event.verb], adjective=SYNONYM_OF[event.adjective] if event.adjective else None
    )


def oppose(event: Clause, draw: random.Random) -> Clause:
    """The clause with its verb, or its adjective if it has one, turned into an opposite: the meaning is reversed."""
    if event.adjective and draw.random() < 0.5:
        return replace(event, adjective=draw.choice(OPPOSITES_OF[event.adjective]))
    return replace(event, verb=draw.choice(OPPOSITES_OF[event.verb]))


def change_patient(event: Clause, draw: random.Random) -> Clause:
    """The clause with another noun, or with a third person where it is about two."""
    others = FIRST_NAMES if is_about_people(event) else ALL_NOUNS
    return replace(event, patient=(draw.choice([name for name in others if name not in event.patient + event.agent]),))


def is_about_people(event: Clause) -> bool:
    """Whether somebody does it to somebody."""
    return event.patient[0] in FIRST_NAMES


def put_people(event: Clause, draw: random.Random) -> Clause:
    """The clause with a person in place of its noun, and agent and patient named by their first names."""
    agent, patient = draw.sample(FIRST_NAMES, 2)
    return replace(event, agent=(agent,), patient=(patient,), adjective=None, number=None)


def swap_people(event: Clause) -> Clause:
    """The clause with the two people in each other's place."""
    return replace(event, agent=event.patient, patient=event.agent)
