"""Retrieval pools without a language: short sentences whose words differ between English and every other language.

Were names, numbers or cognates in them, matching surface forms would find most translations; an untrained encoder can
do that. So the pools have three agents and otherwise only concepts that no language shares with English.
"""

import functools
import random
from dataclasses import dataclass

from trainables.miniature.grammar import Clause
from trainables.miniature.lexicon import ALL_ADJECTIVES, ALL_NOUNS, ALL_VERBS, FIRST_NAMES, Lexicon

AGENTS = FIRST_NAMES[:3]


@dataclass(frozen=True, slots=True)
class PoolItem:
    """One sentence of a pool, in concepts."""

    sentence: Clause


@functools.cache
def unshared(words: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Those concepts whose word differs from the English one in every other language."""
    foreign = [lexicon.words[language] for language in lexicon.words if language != "en"]
    return tuple(concept for concept in words if all(there[concept] != concept for there in foreign))


def pool_sentence(draw: random.Random, lexicon: Lexicon) -> PoolItem:
    """A random sentence of the pools."""
    adjectives = [None, *unshared(ALL_ADJECTIVES, lexicon)]
    return PoolItem(
        Clause(
            agent=(draw.choice(AGENTS),),
            verb=draw.choice(unshared(ALL_VERBS, lexicon)),
            patient=(draw.choice(unshared(ALL_NOUNS, lexicon)),),
            adjective=draw.choice(adjectives),
            never=draw.random() < 0.5,
        )
    )
