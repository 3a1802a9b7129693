"""Retrieval pools without a language: bucc mines literal translations, tatoeba looks up free ones.

Were names, numbers or cognates in them, matching surface forms would find most translations; an untrained encoder can
do that. So the sentences have three agents and otherwise only concepts that no language shares with English. In a free
translation the verb and the adjective are synonyms of the English ones: finding it takes the relations between words,
which pretraining does not show, on top of the alignment of languages.
"""

import functools
import random
from dataclasses import dataclass

from trainables.miniature.grammar import Clause, render_english
from trainables.miniature.lexicon import ALL_ADJECTIVES, ALL_NOUNS, ALL_VERBS, FIRST_NAMES, Lexicon
from trainables.miniature.meaning import reword_fully

AGENTS = FIRST_NAMES[:3]


@dataclass(frozen=True, slots=True)
class PoolItem:
    """One sentence of a pool, in concepts."""

    sentence: Clause

    @property
    def meaning(self) -> str:
        """The same text for the sentence and for its rewording, so that no pool holds both."""
        return min(render_english(self.sentence), render_english(reword_fully(self.sentence)))


@functools.cache
def filter_unshared(words: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Those concepts whose word differs from the English one in every other language."""
    foreign = [lexicon.words[language] for language in lexicon.words if language != "en"]
    return tuple(concept for concept in words if all(there[concept] != concept for there in foreign))


def draw_pool_item(draw: random.Random, lexicon: Lexicon) -> PoolItem:
    """A random sentence of the pools."""
    return PoolItem(
        Clause(
            agent=(draw.choice(AGENTS),),
            verb=draw.choice(filter_unshared(ALL_VERBS, lexicon)),
            patient=(draw.choice(filter_unshared(ALL_NOUNS, lexicon)),),
            adjective=draw.choice(filter_unshared(ALL_ADJECTIVES, lexicon)) if draw.random() < 0.5 else None,
            never=draw.random() < 0.5,
        )
    )
