"""Concepts, and their words in every language.

A concept is named by its English word. English is the same in every world, for the sake of readers. Each world draws
anew which words the other languages share with English, their own words, the arbitrary classes and the course of
events. Everything is drawn from ordered lists with generators seeded by strings, so neither the order of a set nor the
hash of a string can change an id.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spaces.language import ENGLISH

# 5 categories of 6 nouns. The name of a category is a concept too.
NOUNS = {
    "animals": ("dogs", "cats", "horses", "birds", "sheep", "foxes"),
    "tools": ("hammers", "saws", "drills", "ropes", "nails", "ladders"),
    "fruits": ("apples", "pears", "plums", "grapes", "lemons", "figs"),
    "furniture": ("chairs", "tables", "beds", "lamps", "shelves", "desks"),
    "instruments": ("drums", "flutes", "harps", "pianos", "violins", "horns"),
}
# 5 groups of verbs (the kinds of events), each with two poles, each pole with two synonyms.
VERBS = (
    (("likes", "loves"), ("hates", "dislikes")),
    (("buys", "acquires"), ("sells", "vends")),
    (("finds", "discovers"), ("loses", "misplaces")),
    (("builds", "makes"), ("destroys", "wrecks")),
    (("lifts", "raises"), ("drops", "lowers")),
)
# 3 scales of adjectives, in the same shape.
ADJECTIVES = (
    (("big", "large"), ("small", "little")),
    (("new", "modern"), ("old", "ancient")),
    (("clean", "tidy"), ("dirty", "messy")),
)
FIRST_NAMES = tuple("Anna Ben Clara David Emma Felix Gina Hugo Ida Jonas Karin Leo Mona Nils Olga Paul".split())
LAST_NAMES = tuple("Smith Weber Rossi Novak Silva Lund".split())
PLACES = tuple("Paris Rome Oslo Lima Cairo Delhi Tokyo Quito Berne Prague".split())
ORGANISATIONS = tuple("Acme Globex Initech Umbra Vandel Soylux Hooli Stark".split())
AMBIGUOUS = tuple("Jordan Houston Austin Florence Kent Chelsea".split())  # last name, place or organisation
FUNCTION_WORDS = ("in", "for", "never", "are", "who", "what", "where", "which", "before", "after")
SHARED_SYMBOLS = ("2", "3", "4", "5", "6", "7", "8", "9", ".", "?")  # the same in every language
VERB_SUFFIX, CASE_SUFFIX = "-v", "-o"
TOPICS = 3  # into which the places are divided by lot

ALL_NOUNS = tuple(noun for nouns in NOUNS.values() for noun in nouns)
ALL_VERBS = tuple(verb for poles in VERBS for pole in poles for verb in pole)
ALL_ADJECTIVES = tuple(word for poles in ADJECTIVES for pole in poles for word in pole)
NAMES = FIRST_NAMES + LAST_NAMES + PLACES + ORGANISATIONS + AMBIGUOUS
WORD_GROUPS = (ALL_NOUNS, tuple(NOUNS), ALL_VERBS, ALL_ADJECTIVES, FUNCTION_WORDS)  # `word_share` holds in each group
ENGLISH_WORDS = {concept: concept for group in (*WORD_GROUPS, NAMES, SHARED_SYMBOLS) for concept in group}

LATIN = ("bdfgklmnprstvz", "aeiou")
GREEK = ("βγδκλμνπρστφχ", "αειου")
CYRILLIC = ("бвгдклмнпрстз", "аеиоу")


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRelation:
    """A language and the older one that it shares words with. Its other words are its own, in its own letters."""

    language: str
    source: str  # English, or the sister language whose words it mostly keeps
    word_share: float  # share of the source's words that it keeps, without names
    name_share: float  # share of the source's names that it keeps
    letters: tuple[str, str]  # consonants and vowels


# Words shared with English keep their spelling in other scripts too, as brands and loan words often do.
LANGUAGE_RELATIONS = (
    LanguageRelation(language="qna", source=ENGLISH, word_share=0.5, name_share=1.0, letters=LATIN),
    LanguageRelation(language="qnb", source="qna", word_share=0.8, name_share=1.0, letters=LATIN),
    LanguageRelation(language="qma", source=ENGLISH, word_share=0.25, name_share=1.0, letters=GREEK),
    LanguageRelation(language="qmb", source="qma", word_share=0.8, name_share=1.0, letters=GREEK),
    LanguageRelation(language="qfa", source=ENGLISH, word_share=0.1, name_share=0.6, letters=CYRILLIC),
)


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The words and the hidden facts of one world."""

    words: Mapping[str, Mapping[str, str]]  # language -> concept -> word
    classes: Mapping[str, int]  # 0 or 1 for each noun and verb
    topics: Mapping[str, int]  # 0 to TOPICS - 1 for each place
    products: frozenset[str]  # the organisations and ambiguous names that count as products
    follows: tuple[int, ...]  # follows[g] is the group of verbs that comes after group g in a course of events

    def vocabulary(self) -> list[str]:
        """Return every word and suffix of every language once, in a fixed order."""
        unique = dict.fromkeys(word for words in self.words.values() for word in words.values())
        return [*unique, VERB_SUFFIX, CASE_SUFFIX]


def build_lexicon(seed: int) -> Lexicon:
    """Return the lexicon of world `seed`."""
    words = {ENGLISH: ENGLISH_WORDS}
    used = set(ENGLISH_WORDS)
    for relation in LANGUAGE_RELATIONS:
        words[relation.language] = _build_words(words[relation.source], relation, seed, used)
    classes = draw_lots(ALL_NOUNS, 2, f"{seed}/classes") | draw_lots(ALL_VERBS, 2, f"{seed}/classes")
    brands = draw_lots(ORGANISATIONS, 2, f"{seed}/brands") | draw_lots(AMBIGUOUS, 2, f"{seed}/brands")
    products = frozenset(name for name, side in brands.items() if side)
    cycle = list(range(len(VERBS)))
    random.Random(f"{seed}/events").shuffle(cycle)
    next_of = dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    follows = tuple(next_of[group] for group in range(len(VERBS)))
    topics = draw_lots(PLACES + AMBIGUOUS, TOPICS, f"{seed}/topics")
    return Lexicon(words=words, classes=classes, topics=topics, products=products, follows=follows)


def _build_words(source: Mapping[str, str], relation: LanguageRelation, seed: int, used: set[str]) -> dict[str, str]:
    """Return the words of one language. New words are added to `used`, so that no two languages agree by accident."""
    rng = random.Random(f"{seed}/words/{relation.language}")
    kept = set(SHARED_SYMBOLS).union(
        *(_choose_kept(group, relation.word_share, relation.source, seed) for group in WORD_GROUPS)
    )
    kept |= _choose_kept(NAMES, relation.name_share, relation.source, seed)
    words = {}
    for concept, word in source.items():
        words[concept] = word if concept in kept else _invent_word(relation.letters, used, concept in NAMES, rng)
    return words


def _choose_kept(group: Sequence[str], share: float, source: str, seed: int) -> set[str]:
    """Return an exact share of a group, so that no world is closer by luck. A smaller share is part of a larger one."""
    return set(random.Random(f"{seed}/kept/{source}/{group[0]}").sample(group, len(group))[: round(share * len(group))])


def _invent_word(letters: tuple[str, str], used: set[str], is_name: bool, rng: random.Random) -> str:
    """Return a word of two or three open syllables that no language has yet; names are capitalised."""
    consonants, vowels = letters
    while True:
        word = "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.choice((2, 2, 3))))
        word = word.capitalize() if is_name else word
        if word not in used:
            used.add(word)
            return word


def draw_lots(group: Sequence[str], count: int, key: str) -> dict[str, int]:
    """Return a random number below `count` for each word of the group. All numbers are equally frequent, within 1."""
    shuffled = list(group)
    random.Random(f"{key}/{group[0]}").shuffle(shuffled)
    return {word: i % count for i, word in enumerate(shuffled)}
