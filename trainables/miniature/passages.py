"""Texts in one language, for masked words: the stories of the pretraining corpus, but of their own for each language.

No text is a translation of another one, so that whoever guesses words in all of them is told nothing about which words
of two languages belong together.
"""

import functools
import random

from trainables.miniature.corpus import Story, draw_story, tell
from trainables.miniature.lexicon import Lexicon
from trainables.miniature.splits import Split, split_of


@functools.lru_cache(maxsize=64)
def generate_passages(lexicon: Lexicon, seed: int, split: Split, language: str, count: int) -> tuple[str, ...]:
    """So many different texts of world `seed` in a language; none whose English text belongs to another split.

    As in pretraining, none of the sentences of dev and test pools is among them.
    """
    draw = random.Random(f"{seed}/mlm/{split}/{language}")
    found: dict[Story, str] = {}
    while len(found) < count:
        told = draw_story(draw, lexicon)
        if split_of(tell(told, "en", lexicon.words["en"])) == split:
            found[told] = tell(told, language, lexicon.words[language])
    return tuple(found.values())
