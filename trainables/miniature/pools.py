"""Retrieval pools in concepts: free translations, to be looked up (tatoeba) or mined among distractors (bucc).

What a pool measures is decided by what its sentences could be told apart by:

- Surface forms would let an untrained encoder find translations. So no sentence has a word in common with its own
  translation but the agent, one of three, and `never`. The nouns are those that no language shares with English. A verb
  or an adjective may be shared, but the translation has its synonym.
- Pretraining on translation pairs aligns literal translations, and every later training lowers that. In a free
  translation verb and adjective are synonyms of the English ones, so it takes the relations between words, which
  pretraining hardly shows. The encoder starts far below its ceiling.
- Nouns are translated literally. Those of one kind are alike in pretraining; knowing the kinds sets them apart.
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
def choose_pool_nouns(lexicon: Lexicon) -> tuple[str, ...]:
    """Return the nouns that every other language has a word of its own for."""
    foreign = [words for language, words in lexicon.words.items() if language != ENGLISH]
    return tuple(noun for noun in ALL_NOUNS if all(words[noun] != noun for words in foreign))


def draw_pool_item(rng: random.Random, lexicon: Lexicon) -> PoolItem:
    """Return a random sentence of the pools."""
    return PoolItem(
        Clause(
            agent=(rng.choice(AGENTS),),
            verb=rng.choice(ALL_VERBS),
            patient=(rng.choice(choose_pool_nouns(lexicon)),),
            adjective=rng.choice(ALL_ADJECTIVES),
            never=rng.random() < 0.5,
        )
    )
