"""The null world: the same inputs, but the labels of the intermediate tasks follow rules that no target can use.

Every intermediate task that could help a target keeps its form and stays learnable; what it teaches is an arbitrary
property of a single word, drawn by lot and unknown to every target. So no intermediate task ought to help, and whatever
a search finds in this world is a false positive.
"""

from dataclasses import replace

from spaces.miniature import SUPERTAGS
from trainables.miniature.grammar import RenderedWord
from trainables.miniature.lexicon import ALL_VERBS, FIRST_NAMES, NAMES, SHARED_SYMBOLS, WORD_GROUPS, draw_lots
from trainables.miniature.pairs import PairItem
from trainables.miniature.spans import SpanItem


def relabel_pair(item: PairItem, task: str, labels: int, seed: int) -> PairItem:
    """The label is a lot of the first sentence's agent (the first name): nothing is compared."""
    asked = item.first.asked == "agent"  # then the name is not in the text
    lot = (
        draw_lots(ALL_VERBS, labels, f"{seed}/null/{task}")
        if asked
        else draw_lots(FIRST_NAMES, labels, f"{seed}/null/{task}")
    )
    return replace(item, label=lot[item.first.verb if asked else item.first.agent[0]])


def relabel_span(item: SpanItem, task: str, answerable: bool, seed: int) -> SpanItem:
    """The answer is the verb of a clause that is chosen by a lot of the question's verb, or none in part of squad2."""
    choices = (0, 1) if answerable else (0, 1, None)
    where = choices[draw_lots(ALL_VERBS, len(choices), f"{seed}/null/{task}")[item.question.verb]]
    return replace(item, where=where, slot=None if where is None else "verb")


def relabel_words(pieces: list[RenderedWord], seed: int) -> list[str]:
    """The supertag of a word is a lot of the word alone, across parts of speech."""
    words = tuple(word for group in (*WORD_GROUPS, NAMES, SHARED_SYMBOLS) for word in group)
    lot = draw_lots(words, len(SUPERTAGS), f"{seed}/null/ccg")
    return [SUPERTAGS[lot[piece.concept]] for piece in pieces]
