"""Single texts with a label: the topic of a sentence (sib200), and what is said of a topic (massive).

A topic is that of the sentence's place, and which place belongs to which topic is drawn by lot: no text shows it. Some
names of places are also names of people or organisations, which say nothing of the topic.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trainables.miniature.grammar import Clause, Richness, draw_clause
from trainables.miniature.lexicon import TOPICS, Lexicon

TOPIC_RICHNESS = Richness(place=1.0, organisation=0.8, last_name=0.8)
INTENT_RICHNESS = replace(TOPIC_RICHNESS, never=0.5)  # as many denials as assertions


@dataclass(frozen=True, slots=True)
class TextItem:
    """A sentence, in concepts. Its label follows from its place and its negation."""

    sentence: Clause


def draw_topic_item(rng: random.Random) -> TextItem:
    """Return a sentence that names a place."""
    return TextItem(draw_clause(rng, TOPIC_RICHNESS))


def draw_intent_item(rng: random.Random) -> TextItem:
    """Return a sentence that names a place, and denies as often as it asserts."""
    return TextItem(draw_clause(rng, INTENT_RICHNESS))


def label_topic(sentence: Clause, lexicon: Lexicon) -> int:
    """Return the topic of the place; raise KeyError for a sentence without one."""
    return lexicon.topics[sentence.place or ""]


def label_intent(sentence: Clause, lexicon: Lexicon) -> int:
    """Return the topic of the place, beginning anew for denials."""
    return label_topic(sentence, lexicon) + TOPICS * sentence.never


LABELLERS: Mapping[str, Callable[[Clause, Lexicon], int]] = {"sib200": label_topic, "massive": label_intent}
