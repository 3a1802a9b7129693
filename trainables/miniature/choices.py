"""Multiple choice in concepts: the next event (hellaswag), the one before or after (cosmosqa), a noun's kind (csqa)."""

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
    """A context of clauses, a question (`before`, `after` or none), and options (clauses or categories of nouns)."""

    context: tuple[Clause, ...]
    question: str | None
    options: tuple[Clause | str, ...]
    label: int


def _draw_options(rng: random.Random, agent: tuple[str, ...], answer: int) -> tuple[tuple[Clause, ...], int]:
    """Return three events of the same agent, one of them of the group `answer`, and the index of that one."""
    others = rng.sample([group for group in range(len(VERBS)) if group != answer], 2)
    groups = rng.sample([answer, *others], 3)
    options = tuple(replace(draw_clause(rng, OPTION_RICHNESS, GROUP_VERBS[group]), agent=agent) for group in groups)
    return options, groups.index(answer)


def draw_next_event(rng: random.Random, follows: Sequence[int]) -> ChoiceItem:
    """Return an event and three candidates for the next. `follows[g]` is the group of events that follows group g."""
    event = draw_clause(rng, CONTEXT_RICHNESS)
    options, label = _draw_options(rng, event.agent[:1], follows[GROUP_OF[event.verb]])
    return ChoiceItem((event,), None, options, label)


def draw_surrounding_event(rng: random.Random, follows: Sequence[int]) -> ChoiceItem:
    """Return two events in a row and three candidates for the event before or after them."""
    first = draw_clause(rng, CONTEXT_RICHNESS)
    group = follows[GROUP_OF[first.verb]]
    second = replace(draw_clause(rng, OPTION_RICHNESS, GROUP_VERBS[group]), agent=first.agent[:1])
    question = rng.choice(("before", "after"))
    answer = follows[group] if question == "after" else follows.index(GROUP_OF[first.verb])
    options, label = _draw_options(rng, first.agent[:1], answer)
    return ChoiceItem((first, second), question, options, label)


def draw_category_question(rng: random.Random) -> ChoiceItem:
    """Return a sentence and three candidates for the kind of its noun."""
    event = draw_clause(rng, CONTEXT_RICHNESS)
    answer = CATEGORY_OF[event.patient[0]]
    others = rng.sample([category for category in NOUNS if category != answer], 2)
    options = tuple(rng.sample([answer, *others], 3))
    return ChoiceItem((event,), None, options, options.index(answer))
