"""The miniature's entry: a world, its examples in text, and its tokenizer.

    sentences are drawn as concepts    grammar.py (clauses), meaning.py (synonyms, opposites, kinds, events)
    tasks are drawn over them          pairs.py, tags.py, spans.py, choices.py, pools.py, passages.py; null.py for the
                                       null world
    then each language says them       lexicon.py (words), grammar.py (order, suffixes)
    and the encoder reads them         tokens.py, corpus.py, pretraining.py

What skills the tasks share is written in `spaces/miniature.py`. Everything follows from the world's seed: training data
are fixed, test sets are the same items in every language, and a translated training set is the English one row by row.
"""

import functools
import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerFast

from spaces.task import Task
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    ParallelPool,
    PassageExample,
    TaggingExample,
)
from trainables.miniature import choices, null_world, pairs, pools, spans, tags
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.corpus import generate_corpus
from trainables.miniature.grammar import Clause, join_words, render, render_english
from trainables.miniature.lexicon import Lexicon, build_lexicon
from trainables.miniature.meaning import reword_fully
from trainables.miniature.pairs import PairItem
from trainables.miniature.passages import generate_passages
from trainables.miniature.pools import PoolItem
from trainables.miniature.spans import SpanItem
from trainables.miniature.splits import Split, split_of
from trainables.miniature.tags import TagItem
from trainables.miniature.tokens import build_word_tokenizer

VERSION = 1  # raised whenever a change here alters what a seed generates
MAX_TOKENS = 72  # tokens the encoder can read
DEV_ITEMS, TEST_ITEMS, POOL_PAIRS = 200, 300, 250
TRAIN_PASSAGES = 4000  # texts in each language to guess masked words in
DISTRACTORS = 100  # in mining: on either side, without translation

Item = PairItem | TagItem | SpanItem | ChoiceItem | PoolItem


@dataclass(frozen=True, eq=False)
class World:
    """One synthetic world. `fingerprint` names everything that it can generate."""

    seed: int
    is_null: bool
    lexicon: Lexicon
    fingerprint: str


@functools.cache
def build_world(seed: int = 0, null: bool = False) -> World:
    """The world of a seed; in the null world no intermediate task shares a skill with any target."""
    drawn = build_lexicon(seed)
    of = World(seed, null, drawn, fingerprint="")
    # Items of each source and texts of the corpus stand for the generators: what shows in them needs no new VERSION.
    shown = [(name, source.train_items, _draw_items(of, name, "dev", 3)) for name, source in ITEM_GENERATORS.items()]
    told = (list(generate_corpus(drawn, seed, 20)), TRAIN_PASSAGES, generate_passages(drawn, seed, "dev", "en", 3))
    described = (VERSION, seed, null, drawn.vocabulary(), DEV_ITEMS, TEST_ITEMS, POOL_PAIRS, shown, told)
    return replace(of, fingerprint=hashlib.sha256(repr(described).encode()).hexdigest()[:16])


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """The tokenizer of a world's languages."""
    return build_word_tokenizer(world.lexicon.vocabulary(), MAX_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGenerator:
    """How the items of one data set are drawn, and how many there are to train on."""

    draw: Callable[[random.Random, Lexicon], Item]
    train_items: int = 0


def _inference_at(level: pairs.InferenceLevel) -> Callable[[random.Random, Lexicon], Item]:
    return lambda draw, _: pairs.draw_inference(draw, level)


def _reading_at(level: spans.ReadingLevel) -> Callable[[random.Random, Lexicon], Item]:
    return lambda draw, _: spans.draw_passage_question(draw, level)


# By name of the task, or of the training set that targets have of their own.
ITEM_GENERATORS: Mapping[str, ItemGenerator] = {
    "anli": ItemGenerator(draw=_inference_at(pairs.ADVERSARIAL_LEVEL), train_items=6000),
    "mnli": ItemGenerator(draw=_inference_at(pairs.NLI_LEVEL), train_items=6000),
    "qqp": ItemGenerator(draw=lambda draw, _: pairs.draw_question_pair(draw), train_items=6000),
    "squad2": ItemGenerator(draw=_reading_at(spans.SQUAD2), train_items=5000),
    "squad": ItemGenerator(draw=_reading_at(spans.SQUAD), train_items=5000),
    "hellaswag": ItemGenerator(draw=lambda draw, world: choices.draw_next_event(draw, world.follows), train_items=4000),
    "ccg": ItemGenerator(draw=lambda draw, _: tags.draw_tag_item(draw), train_items=4000),
    "cosmosqa": ItemGenerator(
        draw=lambda draw, world: choices.draw_surrounding_event(draw, world.follows), train_items=4000
    ),
    "csqa": ItemGenerator(draw=lambda draw, _: choices.draw_category_question(draw), train_items=3000),
    "random": ItemGenerator(draw=lambda draw, _: pairs.draw_mislabelled(draw), train_items=6000),
    "xnli-en": ItemGenerator(draw=_inference_at(pairs.NLI_LEVEL), train_items=600),
    "pawsx-en": ItemGenerator(draw=lambda draw, _: pairs.draw_paraphrase(draw), train_items=300),
    "udpos-en": ItemGenerator(draw=lambda draw, _: tags.draw_tag_item(draw), train_items=12),
    "panx-en": ItemGenerator(draw=lambda draw, _: tags.draw_tag_item(draw), train_items=14),
    "squad-en": ItemGenerator(draw=_reading_at(spans.XQUAD), train_items=250),
    "tydiqa-en": ItemGenerator(draw=_reading_at(spans.TYDIQA), train_items=200),
    "mlqa": ItemGenerator(draw=_reading_at(spans.MLQA)),
    "bucc": ItemGenerator(draw=pools.draw_pool_item),
    "tatoeba": ItemGenerator(draw=pools.draw_pool_item),
}


def generate_examples(world: World, task: Task, split: Split, language: str) -> list[Example] | ParallelPool:
    """The examples of a task's split in one language (a pool for retrieval), always the same.

    Train and dev of a target belong to its training set. A split in another language holds the same items, translated,
    but for texts with masked words: every language has its own. The test items of a shifted target are changed, or each
    sentence said in a language of its own. Raises ValueError for a language that the world does not have.
    """
    if not {*task.split_language(language)} <= {*world.lexicon.words}:
        raise ValueError(f"the miniature has no language {language!r}; it has {', '.join(world.lexicon.words)}.")
    if task.kind == "mlm":
        number = TRAIN_PASSAGES if split == "train" else DEV_ITEMS
        return [PassageExample(text) for text in generate_passages(world.lexicon, world.seed, split, language, number)]
    name = task.training_set or task.name
    if split == "test" and task.name in ITEM_GENERATORS:
        name = task.name  # its own test passages
    if task.kind == "retrieval":
        return _render_pool(world, name, split, language, mine=task.retrieval_mode == "mine")
    count = {"train": ITEM_GENERATORS[name].train_items, "dev": DEV_ITEMS, "test": TEST_ITEMS}[split]
    return [
        _render_example(world, task, split, item, language, f"{name}-{split}-{number}")
        for number, item in enumerate(_draw_items(world, name, split, count))
    ]


@functools.lru_cache(maxsize=256)
def _draw_items(of: World, name: str, split: Split, count: int) -> tuple[Item, ...]:
    """So many different items that may stand in the split."""
    draw = random.Random(f"{of.seed}/{name}/{split}")
    found: dict[str, Item] = {}
    while len(found) < count:
        item = ITEM_GENERATORS[name].draw(draw, of.lexicon)
        written = _english_text(item)
        if written not in found and split_of(written) == split:
            found[written] = item
    return tuple(found.values())


def _english_text(item: Item) -> str:
    """The English text of an item, without its label."""
    match item:
        case PairItem(first, second):
            return f"{render_english(first)} {render_english(second)}"
        case TagItem(sentence):
            return render_english(sentence)
        case PoolItem():
            return item.meaning
        case SpanItem(passage, question):
            return " ".join(map(render_english, (*passage, question)))
        case ChoiceItem(context, question, options):
            told = [option if isinstance(option, str) else render_english(option) for option in options]
            return " ".join([*map(render_english, context), question or "", *told])


def _render_example(of: World, task: Task, split: Split, item: Item, language: str, name: str) -> Example:
    first, second = task.split_language(language)[0], task.split_language(language)[-1]
    words = of.lexicon.words[first]

    def said(*clauses: Clause, language: str = first) -> str:
        return " ".join(join_words(render(clause, language, of.lexicon.words[language])) for clause in clauses)

    # Only what could help a target is taught by other rules in the null world: targets and controls stay as they are.
    other_rules = of.is_null and task.training_set is None and not task.is_control
    match item:
        case PairItem():
            item = null_world.relabel_pair(item, task.name, len(task.labels), of.seed) if other_rules else item
            if task.shift == "perturbed" and split == "test":
                item = pairs.perturb_pair(item)
            return PairExample(said(item.first), said(item.second, language=second), item.label)
        case TagItem(sentence):
            pieces = render(sentence, language, words)
            tagger, labels = tags.TAGGERS[task.name]
            found = null_world.relabel_words(pieces, of.seed) if other_rules else tagger(pieces, of.lexicon)
            return TaggingExample(tuple(piece.word for piece in pieces), tuple(labels.index(tag) for tag in found))
        case SpanItem():
            item = null_world.relabel_span(item, task.name, not task.has_unanswerable, of.seed) if other_rules else item
            return spans.render_example(item, language, of.lexicon, name)
        case ChoiceItem():
            told = [words[option] if isinstance(option, str) else said(option) for option in item.options]
            question = f"{words['what']} {words[item.question]} ?" if item.question else ""
            return ChoiceExample(said(*item.context), question, tuple(told), item.label)
        case PoolItem():
            raise ValueError(f"{task.name} is retrieval: its items make a pool, not examples.")


def _render_pool(of: World, name: str, split: Split, language: str, mine: bool) -> ParallelPool:
    """Foreign queries and English candidates in another order.

    In mining they translate literally, and some of either side have no partner; elsewhere the translations are free.
    """
    apart = DISTRACTORS if mine else 0
    items = _draw_items(of, name, split, POOL_PAIRS + 2 * apart)
    clauses = [item.sentence for item in items if isinstance(item, PoolItem)]
    paired, lone = clauses[:POOL_PAIRS], clauses[POOL_PAIRS:]
    words = of.lexicon.words[language]
    queries = [join_words(render(clause, language, words)) for clause in paired + lone[:apart]]
    places = random.Random(f"{of.seed}/{name}/{split}/places").sample(range(POOL_PAIRS + apart), POOL_PAIRS + apart)
    candidates = [""] * (POOL_PAIRS + apart)
    for place, clause in zip(places, paired + lone[apart:], strict=True):
        candidates[place] = render_english(clause if mine else reword_fully(clause))
    return ParallelPool(tuple(queries), tuple(candidates), tuple(places[:POOL_PAIRS]) + (-1,) * apart)
