"""Texts of the miniature: the pretraining text, texts for masked words, and the split in which a text may appear.

The pretraining text has single texts, translation pairs and code-switched texts. The texts for masked words are stories
like those of the pretraining text, but every language has its own. None of them is a translation of another one, so
that an encoder that guesses words in all of them is not told which words of two languages mean the same.
"""

import functools
import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from spaces.language import ENGLISH
from spaces.task import Split
from trainables.miniature.grammar import PLAIN_RICHNESS, Clause, ask, draw_clause, drop_optional, join_words, render
from trainables.miniature.lexicon import ALL_NOUNS, ALL_VERBS, Lexicon
from trainables.miniature.meaning import CATEGORY_OF, GROUP_OF, GROUP_VERBS, put_people
from trainables.miniature.pools import PoolItem

# Shares of all texts; the others are translation pairs with English.
SINGLE_SHARE = 0.2  # texts in one language
SWITCHED_SHARE = 0.1  # texts in which words of another language are replaced by English ones
REPLACED_SHARE = 0.3  # of the words of a switched text
# Weights of the languages. Sisters share most words, and so need less text of their own.
PAIR_WEIGHTS = {"qna": 0.5, "qnb": 0.3, "qma": 0.9, "qmb": 0.3, "qfa": 1.3}
SINGLE_WEIGHTS = {ENGLISH: 1.0, "qna": 1.0, "qnb": 1.0, "qma": 1.0, "qmb": 0.2, "qfa": 1.0}
PEOPLE_SHARE = 0.15  # share of the events in which a person acts on a person
_SPLITS: tuple[Split, ...] = ("train",) * 6 + ("dev", "test")

Story = tuple[Clause, ...] | str


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A text, and its translation if it is a pair."""

    first: str
    second: str | None = None


def split_of(english: str) -> Split:
    """Return the only split in which an item with this English text may appear.

    The text itself decides, so that no test item can be in any training set: six in eight texts are in train, one each
    in dev and test.
    """
    return _SPLITS[hashlib.md5(english.encode(), usedforsecurity=False).digest()[0] % len(_SPLITS)]


def generate_corpus(lexicon: Lexicon, seed: int, texts: int) -> Iterator[CorpusText]:
    """Yield `texts` texts of world `seed`, always the same, without the sentences of dev and test pools."""
    rng = random.Random(f"{seed}/corpus")
    for _ in range(texts):
        story, kind = draw_story(rng, lexicon), rng.random()
        if kind < SINGLE_SHARE:
            language = _draw_language(rng, SINGLE_WEIGHTS)
            yield CorpusText(tell(story, language, lexicon.words[language]))
            continue
        language = _draw_language(rng, PAIR_WEIGHTS)
        words = lexicon.words[language]
        if kind < SINGLE_SHARE + SWITCHED_SHARE:
            switched = {concept: concept if rng.random() < REPLACED_SHARE else word for concept, word in words.items()}
            yield CorpusText(tell(story, language, switched))
        else:
            sides = [tell(story, ENGLISH, lexicon.words[ENGLISH]), tell(story, language, words)]
            rng.shuffle(sides)
            yield CorpusText(*sides)


def _draw_language(rng: random.Random, weights: Mapping[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


@functools.lru_cache(maxsize=64)
def generate_passages(lexicon: Lexicon, seed: int, split: Split, language: str, count: int) -> tuple[str, ...]:
    """Return `count` different texts whose English text belongs to the split; none is a dev or test pool's sentence."""
    rng = random.Random(f"{seed}/mlm/{split}/{language}")
    passages: dict[Story, str] = {}
    while len(passages) < count:
        story = draw_story(rng, lexicon)
        if split_of(tell(story, ENGLISH, lexicon.words[ENGLISH])) == split:
            passages[story] = tell(story, language, lexicon.words[language])
    return tuple(passages.values())


def draw_story(rng: random.Random, lexicon: Lexicon) -> Story:
    """Return one event, two in the order that events have in this world, an event with a question, or a noun."""
    kind = rng.random()
    if kind < 0.08:
        return rng.choice(ALL_NOUNS)
    first = _draw_unreserved(rng, ALL_VERBS)
    if kind < 0.45:
        return (first,)
    if kind < 0.75:
        return (first, _draw_unreserved(rng, GROUP_VERBS[lexicon.follows[GROUP_OF[first.verb]]], first.agent))
    return (first, drop_optional(ask(first, rng), rng, 0.3))


def tell(story: Story, language: str, words: Mapping[str, str]) -> str:
    """Return the story in one language. The story of a noun says of which kind it is."""
    if isinstance(story, str):
        return f"{words[story]} {words['are']} {words[CATEGORY_OF[story]]} ."
    return " ".join(join_words(render(clause, language, words)) for clause in story)


def _draw_unreserved(rng: random.Random, verbs: Iterable[str], agent: tuple[str, ...] = ()) -> Clause:
    """Return a clause, with this agent if one is given, that no dev or test pool may hold."""
    while True:
        clause = draw_clause(rng, PLAIN_RICHNESS, verbs)
        if rng.random() < PEOPLE_SHARE:
            clause = put_people(clause, rng)
        if agent and agent != clause.patient:
            clause = replace(clause, agent=agent)
        if split_of(PoolItem(clause).meaning) == "train":
            return clause
