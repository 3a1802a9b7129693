"""Items of the miniature, in concepts: for each data set a generator, and the items of its splits.

Everything follows from the seed of the world: training data are fixed, and test sets are the same items in every
language.
"""

import functools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spaces.task import Split
from trainables.miniature import choices, pairs, pools, spans, tags, texts
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.corpus import split_of
from trainables.miniature.grammar import render_english
from trainables.miniature.lexicon import Lexicon
from trainables.miniature.pairs import PairItem
from trainables.miniature.pools import PoolItem
from trainables.miniature.spans import SpanItem
from trainables.miniature.tags import TagItem
from trainables.miniature.texts import TextItem

Item = PairItem | TextItem | TagItem | SpanItem | ChoiceItem | PoolItem


@dataclass(frozen=True, eq=False)
class World:
    """A synthetic world. `fingerprint` changes with all that the world can generate but what has a hash of its own."""

    seed: int
    is_null: bool
    lexicon: Lexicon
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGenerator:
    """The generator of a data set's items, and the size of its training set.

    `has_own_hash`: the data set came later and is in no hash but its own, so that stages of others keep their keys.
    """

    draw: Callable[[random.Random, Lexicon], Item]
    train_items: int = 0
    has_own_hash: bool = False


# By name of the task, or of the training set that targets have of their own.
ITEM_GENERATORS: Mapping[str, ItemGenerator] = {
    "anli": ItemGenerator(draw=lambda rng, _: pairs.draw_inference(rng, pairs.ADVERSARIAL_LEVEL), train_items=6000),
    "mnli": ItemGenerator(draw=lambda rng, _: pairs.draw_inference(rng, pairs.NLI_LEVEL), train_items=6000),
    "qqp": ItemGenerator(draw=lambda rng, _: pairs.draw_question_pair(rng), train_items=6000),
    "squad2": ItemGenerator(draw=lambda rng, _: spans.draw_passage_question(rng, spans.SQUAD2), train_items=5000),
    "squad": ItemGenerator(draw=lambda rng, _: spans.draw_passage_question(rng, spans.SQUAD), train_items=5000),
    "hellaswag": ItemGenerator(draw=lambda rng, own: choices.draw_next_event(rng, own.follows), train_items=4000),
    "ccg": ItemGenerator(draw=lambda rng, _: tags.draw_tag_item(rng), train_items=4000),
    "cosmosqa": ItemGenerator(draw=lambda rng, own: choices.draw_surrounding_event(rng, own.follows), train_items=4000),
    "csqa": ItemGenerator(draw=lambda rng, _: choices.draw_category_question(rng), train_items=3000),
    "random": ItemGenerator(draw=lambda rng, _: pairs.draw_mislabelled(rng), train_items=6000),
    "xnli-en": ItemGenerator(draw=lambda rng, _: pairs.draw_inference(rng, pairs.NLI_LEVEL), train_items=600),
    "pawsx-en": ItemGenerator(draw=lambda rng, _: pairs.draw_paraphrase(rng), train_items=300),
    "udpos-en": ItemGenerator(draw=lambda rng, _: tags.draw_tag_item(rng), train_items=12),
    "panx-en": ItemGenerator(draw=lambda rng, _: tags.draw_tag_item(rng), train_items=14),
    "squad-en": ItemGenerator(draw=lambda rng, _: spans.draw_passage_question(rng, spans.XQUAD), train_items=250),
    "tydiqa-en": ItemGenerator(draw=lambda rng, _: spans.draw_passage_question(rng, spans.TYDIQA), train_items=200),
    "mlqa": ItemGenerator(draw=lambda rng, _: spans.draw_passage_question(rng, spans.MLQA)),
    "bucc": ItemGenerator(draw=pools.draw_pool_item),
    "tatoeba": ItemGenerator(draw=pools.draw_pool_item),
    "massive": ItemGenerator(draw=lambda rng, _: texts.draw_intent_item(rng), train_items=4000, has_own_hash=True),
    "sib200-en": ItemGenerator(draw=lambda rng, _: texts.draw_topic_item(rng), train_items=60, has_own_hash=True),
}


@functools.lru_cache(maxsize=256)
def draw_items(world: World, name: str, split: Split, count: int) -> tuple[Item, ...]:
    """Return `count` different items of a data set that may appear in the split, always the same."""
    rng = random.Random(f"{world.seed}/{name}/{split}")
    items: dict[str, Item] = {}
    while len(items) < count:
        item = ITEM_GENERATORS[name].draw(rng, world.lexicon)
        text = _english_text(item)
        if text not in items and split_of(text) == split:
            items[text] = item
    return tuple(items.values())


def _english_text(item: Item) -> str:
    """Return the English text of an item, without its label."""
    match item:
        case PairItem(first, second):
            return f"{render_english(first)} {render_english(second)}"
        case TagItem(sentence) | TextItem(sentence):
            return render_english(sentence)
        case PoolItem():
            return item.meaning
        case SpanItem(passage, question):
            return " ".join(map(render_english, (*passage, question)))
        case ChoiceItem(context, question, options):
            texts = [option if isinstance(option, str) else render_english(option) for option in options]
            return " ".join([*map(render_english, context), question or "", *texts])
