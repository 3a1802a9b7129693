"""The miniature's entry: a world, its examples in text, and its tokenizer.

    concepts and their words              lexicon.py
    sentences of concepts                 grammar.py (clauses), meaning.py (synonyms, opposites, kinds, events)
    items of the data sets                pairs.py, texts.py, tags.py, spans.py, choices.py, pools.py, drawn by items.py
    their labels in the null world        null_world.py
    texts for pretraining, masked words   corpus.py
    tokens                                tokens.py

`spaces/miniature.py` says which skills the tasks share. A translated training set is the English one row by row.
"""

import functools
import hashlib
import random
from dataclasses import replace

from transformers import PreTrainedTokenizerFast

from spaces.language import ENGLISH
from spaces.task import Split, Task
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    ParallelPool,
    PassageExample,
    TaggingExample,
    TextExample,
)
from trainables.miniature import null_world, pairs, spans, tags, texts
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.corpus import generate_corpus, generate_passages
from trainables.miniature.grammar import Clause, join_words, render, render_english
from trainables.miniature.items import ITEM_GENERATORS, Item, World, draw_items
from trainables.miniature.lexicon import build_lexicon
from trainables.miniature.meaning import reword_fully
from trainables.miniature.pairs import PairItem
from trainables.miniature.pools import PoolItem
from trainables.miniature.spans import SpanItem
from trainables.miniature.tags import TagItem
from trainables.miniature.texts import TextItem
from trainables.miniature.tokens import build_word_tokenizer

__all__ = [
    "MAX_TOKENS",
    "World",
    "build_tokenizer",
    "build_world",
    "compute_fingerprint",
    "generate_examples",
    "generate_pool",
]

VERSION = 2  # raised whenever a change here alters what a seed generates
MAX_TOKENS = 72  # longest input of the encoder
DEV_ITEMS, TEST_ITEMS, POOL_PAIRS = 200, 300, 100
TRAIN_PASSAGES = 4000  # texts for masked words in each language
DISTRACTORS = 50  # of mining: sentences without translation on either side


@functools.cache
def build_world(seed: int = 0, null: bool = False) -> World:
    """Return the world of a seed. In the null world no intermediate task shares a skill with any target."""
    lexicon = build_lexicon(seed)
    world = World(seed, null, lexicon, fingerprint="")
    # Samples of items and texts represent their generators: a change that shows in them needs no new VERSION.
    hashed = {name: data for name, data in ITEM_GENERATORS.items() if not data.has_own_hash}
    items = [(name, data.train_items, draw_items(world, name, "dev", 3)) for name, data in hashed.items()]
    passages = generate_passages(lexicon, seed, "dev", "en", 3)
    texts = (list(generate_corpus(lexicon, seed, 20)), TRAIN_PASSAGES, passages)
    sizes = (DEV_ITEMS, TEST_ITEMS, POOL_PAIRS, DISTRACTORS)
    content = (VERSION, seed, null, lexicon.vocabulary(), *sizes, items, texts)
    return replace(world, fingerprint=hashlib.sha256(repr(content).encode()).hexdigest()[:16])


def compute_fingerprint(world: World, task: Task) -> str:
    """Return a hash of the world and of all that the task reads: equal fingerprints mean equal examples."""
    name = task.training_set or task.name
    if name not in ITEM_GENERATORS or not ITEM_GENERATORS[name].has_own_hash:
        return world.fingerprint
    rows = generate_examples(world, task, "dev", ENGLISH)[:3]
    content = (world.fingerprint, name, ITEM_GENERATORS[name].train_items, rows)
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a world's languages."""
    return build_word_tokenizer(world.lexicon.vocabulary(), MAX_TOKENS)


def generate_examples(world: World, task: Task, split: Split, language: str) -> list[Example]:
    """Return the examples of a task's split in one language, always the same.

    Train and dev of a target belong to its training set. A split in another language holds the same items, translated;
    only the texts for masked words differ between languages. The test items of a shifted target are changed, or have
    each sentence in a language of its own. Raises ValueError for a language that the world does not have, and for a
    retrieval task.
    """
    _check_language(world, task, language)
    if task.text_task is not None:
        items = draw_items(world, task.text_task, split, _count_items(task.text_task, split))
        return [PassageExample(_render_pair(world, item, language)) for item in items if isinstance(item, PairItem)]
    if task.kind == "mlm":
        count = TRAIN_PASSAGES if split == "train" else DEV_ITEMS
        return [PassageExample(text) for text in generate_passages(world.lexicon, world.seed, split, language, count)]
    name = task.training_set or task.name
    if split == "test" and task.name in ITEM_GENERATORS:
        name = task.name  # its own test passages
    return [
        _render_example(world, task, split, item, language, f"{name}-{split}-{number}")
        for number, item in enumerate(draw_items(world, name, split, _count_items(name, split)))
    ]


def _count_items(name: str, split: Split) -> int:
    return {"train": ITEM_GENERATORS[name].train_items, "dev": DEV_ITEMS, "test": TEST_ITEMS}[split]


def _render_pair(world: World, item: PairItem, language: str) -> str:
    """Return both sentences of a pair as one text."""
    words = world.lexicon.words[language]
    return " ".join(join_words(render(clause, language, words)) for clause in (item.first, item.second))


def generate_pool(world: World, task: Task, split: Split, language: str) -> ParallelPool:
    """Return a retrieval task's foreign queries, and English candidates in another order; always the same.

    Translations are free. In mining some sentences of either side have none. Raises ValueError for a language that the
    world does not have.
    """
    _check_language(world, task, language)
    distractors = DISTRACTORS if task.retrieval_mode == "mine" else 0
    size = POOL_PAIRS + distractors
    items = draw_items(world, task.name, split, size + distractors)
    clauses = [item.sentence for item in items if isinstance(item, PoolItem)]
    paired, single = clauses[:POOL_PAIRS], clauses[POOL_PAIRS:]
    words = world.lexicon.words[language]
    queries = [join_words(render(clause, language, words)) for clause in paired + single[:distractors]]
    order = random.Random(f"{world.seed}/{task.name}/{split}/places").sample(range(size), size)
    candidates = [""] * size
    for index, clause in zip(order, paired + single[distractors:], strict=True):
        candidates[index] = render_english(reword_fully(clause))
    return ParallelPool(tuple(queries), tuple(candidates), tuple(order[:POOL_PAIRS]) + (-1,) * distractors)


def _check_language(world: World, task: Task, language: str) -> None:
    if not {*task.split_language(language)} <= {*world.lexicon.words}:
        raise ValueError(f"the miniature has no language {language!r}; it has {', '.join(world.lexicon.words)}.")


def _render_example(world: World, task: Task, split: Split, item: Item, language: str, name: str) -> Example:
    first, second = task.split_language(language)[0], task.split_language(language)[-1]
    words = world.lexicon.words[first]

    def text(*clauses: Clause, language: str = first) -> str:
        return " ".join(join_words(render(clause, language, world.lexicon.words[language])) for clause in clauses)

    # The null world changes only tasks that could help a target: targets and controls stay as they are.
    is_relabelled = world.is_null and task.training_set is None and not task.is_control
    match item:
        case PairItem():
            if is_relabelled:
                item = null_world.relabel_pair(item, task.name, len(task.labels), world.seed)
            if task.shift == "perturbed" and split == "test":
                item = pairs.perturb_pair(item)
            return PairExample(text(item.first), text(item.second, language=second), item.label)
        case TextItem(sentence):
            label = (
                null_world.draw_label(sentence, task.name, len(task.labels), world.seed)
                if is_relabelled
                else texts.LABELLERS[task.name](sentence, world.lexicon)
            )
            return TextExample(text(sentence), label)
        case TagItem(sentence):
            pieces = render(sentence, language, words)
            tagger, labels = tags.TAGGERS[task.name]
            names = null_world.relabel_words(pieces, world.seed) if is_relabelled else tagger(pieces, world.lexicon)
            return TaggingExample(tuple(piece.word for piece in pieces), tuple(map(labels.index, names)))
        case SpanItem():
            if is_relabelled:
                item = null_world.relabel_span(item, task.name, not task.has_unanswerable, world.seed)
            return spans.render_example(item, language, world.lexicon, name)
        case ChoiceItem():
            if is_relabelled and task.name == "csqa":  # the courses of events help no target
                item = null_world.relabel_choice(item, task.name, world.seed)
            options = [words[option] if isinstance(option, str) else text(option) for option in item.options]
            question = f"{words['what']} {words[item.question]} ?" if item.question else ""
            return ChoiceExample(text(*item.context), question, tuple(options), item.label)
        case PoolItem():
            raise ValueError(f"{task.name} is a retrieval task: its items make a pool, not examples.")
