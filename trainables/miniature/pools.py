"""Retrieval pools in concepts: bucc mines literal translations, tatoeba looks up free ones.

With names, numbers or cognates in the sentences, matching surface forms would find most translations, and an untrained
encoder can do that. So the sentences have three agents and otherwise only concepts that no language shares with
English. In a free translation the verb and the adjective are synonyms of the English ones. Finding it takes the
relations between words, which pretraining does not show, in addition to the alignment of languages.
"""

import functools
import random
from dataclasses import dataclass

from spaces.language import ENGLISH
from trainables.miniature.grammar import Clause, render_english
from trainables.miniature.lexicon import ALL_ADJECTIVES, ALL_NOUNS, ALL_VERBS, FIRST_NAMES, Lexicon
from trainables.miniature.meaning import reword_fully

AGENTS = FIRST_NAMES[:3]


@dataclass(frozen=True, slots=True)
class PoolItem:
    """A sentence of a pool, in concepts."""

    sentence: Clause

    @property
    def meaning(self) -> str:
        """A text that the sentence and its rewording have in common, so that no pool holds both."""
        return min(render_english(self.sentence), render_english(reword_fully(self.sentence)))


@functools.cache
def filter_unshared(concepts: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the concepts whose word differs from the English one in every other language."""
    languages = [words for language, words in lexicon.words.items() if language != ENGLISH]
    return tuple(concept for concept in concepts if all(words[concept] != concept for words in languages))


def draw_pool_item(rng: random.Random, lexicon: Lexicon) -> PoolItem:
    """Return a random sentence of the pools."""
    return PoolItem(
        Clause(
            agent=(rng.choice(AGENTS),),
            verb=rng.choice(filter_unshared(ALL_VERBS, lexicon)),
            patient=(rng.choice(filter_unshared(ALL_NOUNS, lexicon)),),
            adjective=rng.choice(filter_unshared(ALL_ADJECTIVES, lexicon)) if rng.random() < 0.5 else None,
            never=rng.random() < 0.5,
        )
    )
