"""The pretraining text: single texts, translation pairs and code-switched texts."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from trainables.miniature.grammar import Clause, Richness, ask, draw_clause, drop_optional, join_words, render
from trainables.miniature.lexicon import ALL_NOUNS, ALL_VERBS, Lexicon
from trainables.miniature.meaning import CATEGORY_OF, GROUP_OF, GROUP_VERBS, put_people
from trainables.miniature.pools import PoolItem
from trainables.miniature.splits import split_of

RICHNESS = Richness()
PEOPLE_SHARE = 0.15  # share of the events in which somebody does it to somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMix:
    """What the corpus is made of. Shares of all texts, and how often each language is drawn."""

    single: float = 0.2  # texts in one language
    switched: float = 0.1  # texts in which words of another language are replaced by English ones
    replaced: float = 0.3  # of the words of a switched text
    # The rest are translation pairs with English. Sisters share most words, and so need less text of their own.
    pairs: Mapping[str, float]
    singles: Mapping[str, float]


CORPUS_MIX = CorpusMix(
    pairs={"qna": 0.5, "qnb": 0.3, "qma": 0.9, "qmb": 0.3, "qfa": 1.3},
    singles={"en": 1.0, "qna": 1.0, "qnb": 1.0, "qma": 1.0, "qmb": 0.2, "qfa": 1.0},
)


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A text, and its translation if it is a pair."""

    first: str
    second: str | None = None


def generate_corpus(lexicon: Lexicon, seed: int, texts: int, mix: CorpusMix = CORPUS_MIX) -> Iterator[CorpusText]:
    """So many texts of world `seed`, always the same; none of the sentences of dev and test pools is among them."""
    draw = random.Random(f"{seed}/corpus")
    singles, pairs = list(mix.singles), list(mix.pairs)
    for _ in range(texts):
        told, kind = draw_story(draw, lexicon), draw.random()
        if kind < mix.single:
            language = draw.choices(singles, list(mix.singles.values()))[0]
            yield CorpusText(tell(told, language, lexicon.words[language]))
            continue
        language = draw.choices(pairs, list(mix.pairs.values()))[0]
        words = lexicon.words[language]
        if kind < mix.single + mix.switched:
            mixed = {concept: concept if draw.random() < mix.replaced else word for concept, word in words.items()}
            yield CorpusText(tell(told, language, mixed))
        else:
            sides = [tell(told, "en", lexicon.words["en"]), tell(told, language, words)]
            draw.shuffle(sides)
            yield CorpusText(*sides)


Story = tuple[Clause, ...] | str


def draw_story(draw: random.Random, lexicon: Lexicon) -> Story:
    """One event, two in the order that events have in this world, an event with a question, or a noun's kind."""
    kind = draw.random()
    if kind < 0.08:
        return draw.choice(ALL_NOUNS)
    first = _draw_unreserved(draw, ALL_VERBS)
    if kind < 0.45:
        return (first,)
    if kind < 0.75:
        return (first, _draw_unreserved(draw, GROUP_VERBS[lexicon.follows[GROUP_OF[first.verb]]], first.agent))
    return (first, drop_optional(ask(first, draw), draw, 0.3))


def tell(told: Story, language: str, words: Mapping[str, str]) -> str:
    """The story in one language."""
    if isinstance(told, str):
        return f"{words[told]} {words['are']} {words[CATEGORY_OF[told]]} ."
    return " ".join(join_words(render(part, language, words)) for part in told)


def _draw_unreserved(draw: random.Random, verbs: Iterable[str], agent: tuple[str, ...] = ()) -> Clause:
    """A clause, with this agent if one is given, that no dev or test pool may hold."""
    while True:
        event = draw_clause(draw, RICHNESS, verbs)
        if draw.random() < PEOPLE_SHARE:
            event = put_people(event, draw)
        if agent != event.patient:
            event = replace(event, agent=agent or event.agent)
        if split_of(PoolItem(event).meaning) == "train":
            return event
