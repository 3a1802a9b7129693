"""The null world: the same inputs, but the labels of the intermediate tasks follow rules that no target can use.

Every intermediate task that could help a target keeps its form and stays learnable. It teaches an arbitrary property of
a single word, drawn by lot and unknown to every target. So no intermediate task can help, and every gain that a search
finds in this world is a false positive.
"""

from dataclasses import replace

from spaces.miniature_languages import SUPERTAGS
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.grammar import Clause, RenderedWord
from trainables.miniature.lexicon import ALL_VERBS, FIRST_NAMES, NAMES, NOUNS, SHARED_SYMBOLS, WORD_GROUPS, draw_lots
from trainables.miniature.pairs import PairItem
from trainables.miniature.spans import SpanItem


def relabel_pair(item: PairItem, task: str, labels: int, seed: int) -> PairItem:
    """Return the pair with a label that the first sentence decides: nothing is compared."""
    return replace(item, label=draw_label(item.first, task, labels, seed))


def draw_label(sentence: Clause, task: str, labels: int, seed: int) -> int:
    """Return the lot of the sentence's agent (a first name)."""
    lacks_name = sentence.asked == "agent"  # the question does not contain the name: its verb decides
    group, word = (ALL_VERBS, sentence.verb) if lacks_name else (FIRST_NAMES, sentence.agent[0])
    return draw_lots(group, labels, f"{seed}/null/{task}")[word]


def relabel_span(item: SpanItem, task: str, answerable: bool, seed: int) -> SpanItem:
    """Return the item with a verb as its answer, or without one. The lot of the question's verb chooses the clause."""
    choices = (0, 1) if answerable else (0, 1, None)
    where = choices[draw_lots(ALL_VERBS, len(choices), f"{seed}/null/{task}")[item.question.verb]]
    return replace(item, where=where, slot=None if where is None else "verb")


def relabel_choice(item: ChoiceItem, task: str, seed: int) -> ChoiceItem:
    """Return a question about kinds whose answer is the lot of the agent's first name: no noun has a kind."""
    kinds = tuple(NOUNS)
    answer = kinds[draw_lots(FIRST_NAMES, len(kinds), f"{seed}/null/{task}")[item.context[0].agent[0]]]
    if answer in item.options:
        return replace(item, label=item.options.index(answer))
    options = list(item.options)
    options[item.label] = answer
    return replace(item, options=tuple(options))


def relabel_words(pieces: list[RenderedWord], seed: int) -> list[str]:
    """Return a supertag for each word, by the lot of the word alone, across parts of speech."""
    words = tuple(word for group in (*WORD_GROUPS, NAMES, SHARED_SYMBOLS) for word in group)
    lots = draw_lots(words, len(SUPERTAGS), f"{seed}/null/ccg")
    return [SUPERTAGS[lots[piece.concept]] for piece in pieces]
