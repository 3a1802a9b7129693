"""Sentences of the miniature that only probes read: no target has them, and no pretraining text.

They are sentences of the kind that retrieval pools hold (`pools.py`), about other people. A sentence whose event stands
in an item of a target, in whatever split, is passed over, and so is one with the same event in other words.
"""

import functools
import random
from collections.abc import Iterator
from dataclasses import replace

from spaces.miniature import TARGETS
from spaces.task import Split
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.corpus import split_of
from trainables.miniature.grammar import Clause, join_words, render, render_english
from trainables.miniature.items import ITEM_GENERATORS, Item, World, draw_items
from trainables.miniature.lexicon import FIRST_NAMES
from trainables.miniature.meaning import reword_fully
from trainables.miniature.pairs import PairItem
from trainables.miniature.pools import AGENTS, PoolItem, draw_pool_item
from trainables.miniature.spans import SpanItem
from trainables.miniature.tags import TagItem
from trainables.miniature.world import DEV_ITEMS, TEST_ITEMS

SENTENCES = 100
PROBED_AGENTS = FIRST_NAMES[len(AGENTS) : 2 * len(AGENTS)]  # no pool is about them

Event = tuple[tuple[str, ...], str, tuple[str, ...]]  # agent, verb, patient


def generate_probe_sentences(world: World, language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return English sentences, and their free translations into the language; always the same."""
    clauses = draw_clauses(world)
    foreign = (join_words(render(clause, language, world.lexicon.words[language])) for clause in clauses)
    return tuple(render_english(reword_fully(clause)) for clause in clauses), tuple(foreign)


@functools.lru_cache(maxsize=4)
def draw_clauses(world: World) -> tuple[Clause, ...]:
    """Draw sentences whose English text no pretraining text may hold (`split_of`)."""
    rng, known = random.Random(f"{world.seed}/probe"), _collect_target_events(world)
    chosen: dict[str, Clause] = {}
    while len(chosen) < SENTENCES:
        clause = replace(draw_pool_item(rng, world.lexicon).sentence, agent=(rng.choice(PROBED_AGENTS),))
        meaning = PoolItem(clause).meaning
        if split_of(meaning) == "test" and known.isdisjoint(map(event_of, (clause, reword_fully(clause)))):
            chosen.setdefault(meaning, clause)
    return tuple(chosen.values())


def event_of(clause: Clause) -> Event:
    """Return who does what to whom or what."""
    return clause.agent, clause.verb, clause.patient


def _collect_target_events(world: World) -> frozenset[Event]:
    """Return the events of all items of all targets."""
    names = {name for task in TARGETS.values() for name in (task.name, task.training_set) if name in ITEM_GENERATORS}
    return frozenset(
        event_of(clause) for name in names if name for item in _list_items(world, name) for clause in clauses_of(item)
    )


def _list_items(world: World, name: str) -> list[Item]:
    counts: dict[Split, int] = {
        "train": ITEM_GENERATORS[name].train_items,
        "dev": DEV_ITEMS,
        "test": TEST_ITEMS,  # more than a pool has sentences
    }
    return [item for split, count in counts.items() for item in draw_items(world, name, split, count)]


def clauses_of(item: Item) -> Iterator[Clause]:
    """Yield the clauses of an item."""
    match item:
        case PairItem(first, second):
            yield from (first, second)
        case TagItem(sentence) | PoolItem(sentence):
            yield sentence
        case SpanItem(passage, question):
            yield from (*passage, question)
        case ChoiceItem(context, _, options):
            yield from (*context, *(option for option in options if isinstance(option, Clause)))
