"""Multiple choice without a language: what comes next (hellaswag), before or after (cosmosqa), what kind (csqa)?"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainables.miniature.grammar import Clause, Richness, draw_clause
from trainables.miniature.lexicon import NOUNS, VERBS
from trainables.miniature.meaning import CATEGORY_OF, GROUP_OF, GROUP_VERBS

CONTEXT_RICHNESS = Richness(adjective=0.2, number=0.0, place=0.2, organisation=0.0, last_name=0.2)
OPTION_RICHNESS = Richness(adjective=0.0, number=0.0, place=0.0, organisation=0.0, never=0.0, last_name=0.0)


@dataclass(frozen=True, slots=True)
class ChoiceItem:
    """A context of clauses, a question (`before`, `after` or none), and options (clauses or nouns' categories)."""

    context: tuple[Clause, ...]
    question: str | None
    options: tuple[Clause | str, ...]
    label: int


def _draw_options(draw: random.Random, agent: tuple[str, ...], right: int) -> tuple[tuple[Clause, ...], int]:
    """Three events of the same agent, one of them of the right group; with the place of that one."""
    others = draw.sample([group for group in range(len(VERBS)) if group != right], 2)
    groups = draw.sample([right, *others], 3)
    options = tuple(replace(draw_clause(draw, OPTION_RICHNESS, GROUP_VERBS[group]), agent=agent) for group in groups)
    return options, groups.index(right)


def draw_next_event(draw: random.Random, follows: Sequence[int]) -> ChoiceItem:
    """One event; which of three follows it? `follows[g]` is the group of events that comes after group g."""
    event = draw_clause(draw, CONTEXT_RICHNESS)
    options, label = _draw_options(draw, event.agent[:1], follows[GROUP_OF[event.verb]])
    return ChoiceItem((event,), None, options, label)


def draw_surrounding_event(draw: random.Random, follows: Sequence[int]) -> ChoiceItem:
    """Two events in a row; which of three came before them, or comes after them?"""
    first = draw_clause(draw, CONTEXT_RICHNESS)
    group = follows[GROUP_OF[first.verb]]
    second = replace(draw_clause(draw, OPTION_RICHNESS, GROUP_VERBS[group]), agent=first.agent[:1])
    question = draw.choice(("before", "after"))
    right = follows[group] if question == "after" else follows.index(GROUP_OF[first.verb])
    options, label = _draw_options(draw, first.agent[:1], right)
    return ChoiceItem((first, second), question, options, label)


def draw_category_question(draw: random.Random) -> ChoiceItem:
    """A sentence with a noun; of which kind is it?"""
    event = draw_clause(draw, CONTEXT_RICHNESS)
    right = CATEGORY_OF[event.patient[0]]
    others = draw.sample([category for category in NOUNS if category != right], 2)
    options = tuple(draw.sample([right, *others], 3))
    return ChoiceItem((event,), None, options, options.index(right))
