"""Relations between words: synonyms, opposites, kinds of nouns, groups of verbs; and changes of meaning by them."""

import random
from dataclasses import replace

from trainables.miniature.grammar import Clause
from trainables.miniature.lexicon import ADJECTIVES, ALL_NOUNS, FIRST_NAMES, NOUNS, VERBS

SCALES = VERBS + ADJECTIVES  # each is two poles, and each pole two synonyms
SYNONYM_OF = {word: synonym for poles in SCALES for pole in poles for word, synonym in (pole, pole[::-1])}
OPPOSITES_OF = {word: opposite for poles in SCALES for pole, opposite in (poles, poles[::-1]) for word in pole}

CATEGORY_OF = {noun: category for category, nouns in NOUNS.items() for noun in nouns}
GROUP_OF = {verb: group for group, poles in enumerate(VERBS) for pole in poles for verb in pole}
GROUP_VERBS = tuple(tuple(verb for pole in poles for verb in pole) for poles in VERBS)


def reword(clause: Clause, rng: random.Random, share: float) -> Clause:
    """Return the clause with verb and adjective replaced by synonyms, each with probability `share`."""
    if rng.random() < share:
        clause = replace(clause, verb=SYNONYM_OF[clause.verb])
    if clause.adjective and rng.random() < share:
        clause = replace(clause, adjective=SYNONYM_OF[clause.adjective])
    return clause


def reword_fully(clause: Clause) -> Clause:
    """Return the clause with the synonyms of its verb and its adjective."""
    adjective = SYNONYM_OF[clause.adjective] if clause.adjective else None
    return replace(clause, verb=SYNONYM_OF[clause.verb], adjective=adjective)


def oppose(clause: Clause, rng: random.Random) -> Clause:
    """Return the clause with its verb or its adjective replaced by an opposite, which reverses the meaning."""
    if clause.adjective and rng.random() < 0.5:
        return replace(clause, adjective=rng.choice(OPPOSITES_OF[clause.adjective]))
    return replace(clause, verb=rng.choice(OPPOSITES_OF[clause.verb]))


def change_patient(clause: Clause, rng: random.Random) -> Clause:
    """Return the clause with another noun, or with a third person if it is about two."""
    names = FIRST_NAMES if is_about_people(clause) else ALL_NOUNS
    others = [name for name in names if name not in clause.patient + clause.agent]
    return replace(clause, patient=(rng.choice(others),))


def is_about_people(clause: Clause) -> bool:
    """Return True if the patient of the clause is a person."""
    return clause.patient[0] in FIRST_NAMES


def put_people(clause: Clause, rng: random.Random) -> Clause:
    """Return the clause with a person in place of its noun, and agent and patient named by their first names."""
    agent, patient = rng.sample(FIRST_NAMES, 2)
    return replace(clause, agent=(agent,), patient=(patient,), adjective=None, number=None)


def swap_people(clause: Clause) -> Clause:
    """Return the clause with its two people swapped."""
    return replace(clause, agent=clause.patient, patient=clause.agent)
