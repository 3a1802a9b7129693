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
from trainables.features.examples import Choice, Example, Pair, Parallel, Passage, Tagged
from trainables.miniature import choices, null, pairs, pools, spans, tags
from trainables.miniature.choices import ChoiceItem
from trainables.miniature.corpus import corpus
from trainables.miniature.grammar import Clause, english, render, text
from trainables.miniature.lexicon import Lexicon, lexicon
from trainables.miniature.meaning import in_other_words
from trainables.miniature.pairs import PairItem
from trainables.miniature.passages import passages
from trainables.miniature.pools import PoolItem
from trainables.miniature.spans import SpanItem
from trainables.miniature.splits import Split, split_of
from trainables.miniature.tags import TagItem
from trainables.miniature.tokens import word_tokenizer

VERSION = 1  # raised whenever a change here alters what a seed generates
LONGEST = 72  # tokens the encoder can read
DEV, TEST, POOL = 200, 300, 250
PASSAGES = 4000  # texts in each language to guess masked words in
DISTRACTORS = 100  # in mining: on either side, without translation

Item = PairItem | TagItem | SpanItem | ChoiceItem | PoolItem


@dataclass(frozen=True, eq=False)
class World:
    """One synthetic world. `fingerprint` names everything that it can generate."""

    seed: int
    null: bool
    lexicon: Lexicon
    fingerprint: str


@functools.cache
def world(seed: int = 0, null: bool = False) -> World:
    """The world of a seed; in the null world no intermediate task shares a skill with any target."""
    drawn = lexicon(seed)
    of = World(seed, null, drawn, fingerprint="")
    # Items of each source and texts of the corpus stand for the generators: what shows in them needs no new VERSION.
    shown = [(name, source.train, _items(of, name, "dev", 3)) for name, source in SOURCES.items()]
    told = (list(corpus(drawn, seed, 20)), PASSAGES, passages(drawn, seed, "dev", "en", 3))
    described = (VERSION, seed, null, drawn.vocabulary(), DEV, TEST, POOL, shown, told)
    return replace(of, fingerprint=hashlib.sha256(repr(described).encode()).hexdigest()[:16])


def tokenizer(of: World) -> PreTrainedTokenizerFast:
    """The tokenizer of a world's languages."""
    return word_tokenizer(of.lexicon.vocabulary(), LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How the items of one data set are drawn, and how many there are to train on."""

    draw: Callable[[random.Random, Lexicon], Item]
    train: int = 0


def _inference(level: pairs.Inference) -> Callable[[random.Random, Lexicon], Item]:
    return lambda draw, _: pairs.inference(draw, level)


def _reading(level: spans.Reading) -> Callable[[random.Random, Lexicon], Item]:
    return lambda draw, _: spans.passage_question(draw, level)


# By name of the task, or of the training set that targets have of their own.
SOURCES: Mapping[str, Source] = {
    "anli": Source(draw=_inference(pairs.ADVERSARIAL), train=6000),
    "mnli": Source(draw=_inference(pairs.NLI), train=6000),
    "qqp": Source(draw=lambda draw, _: pairs.question_pair(draw), train=6000),
    "squad2": Source(draw=_reading(spans.SQUAD2), train=5000),
    "squad": Source(draw=_reading(spans.SQUAD), train=5000),
    "hellaswag": Source(draw=lambda draw, world: choices.next_event(draw, world.follows), train=4000),
    "ccg": Source(draw=lambda draw, _: tags.sentence(draw), train=4000),
    "cosmosqa": Source(draw=lambda draw, world: choices.around_events(draw, world.follows), train=4000),
    "csqa": Source(draw=lambda draw, _: choices.kind_of_thing(draw), train=3000),
    "random": Source(draw=lambda draw, _: pairs.mislabelled(draw), train=6000),
    "xnli-en": Source(draw=_inference(pairs.NLI), train=600),
    "pawsx-en": Source(draw=lambda draw, _: pairs.paraphrase(draw), train=300),
    "udpos-en": Source(draw=lambda draw, _: tags.sentence(draw), train=12),
    "panx-en": Source(draw=lambda draw, _: tags.sentence(draw), train=14),
    "squad-en": Source(draw=_reading(spans.XQUAD), train=250),
    "tydiqa-en": Source(draw=_reading(spans.TYDIQA), train=200),
    "mlqa": Source(draw=_reading(spans.MLQA)),
    "bucc": Source(draw=pools.pool_sentence),
    "tatoeba": Source(draw=pools.pool_sentence),
}


def examples(of: World, task: Task, split: Split, language: str) -> list[Example] | Parallel:
    """The examples of a task's split in one language (a pool for retrieval), always the same.

    Train and dev of a target belong to its training set. A split in another language holds the same items, translated,
    but for texts with masked words: every language has its own. The test items of a shifted target are changed, or each
    sentence said in a language of its own. Raises ValueError for a language that the world does not have.
    """
    if not {*task.sides(language)} <= {*of.lexicon.words}:
        raise ValueError(f"the miniature has no language {language!r}; it has {', '.join(of.lexicon.words)}.")
    if task.kind == "mlm":
        number = PASSAGES if split == "train" else DEV
        return [Passage(text) for text in passages(of.lexicon, of.seed, split, language, number)]
    name = task.training or task.name
    if split == "test" and task.name in SOURCES:
        name = task.name  # its own test passages
    if task.kind == "retrieval":
        return _pool(of, name, split, language, mine=task.retrieval == "mine")
    count = {"train": SOURCES[name].train, "dev": DEV, "test": TEST}[split]
    return [
        _example(of, task, split, item, language, f"{name}-{split}-{number}")
        for number, item in enumerate(_items(of, name, split, count))
    ]


@functools.lru_cache(maxsize=256)
def _items(of: World, name: str, split: Split, count: int) -> tuple[Item, ...]:
    """So many different items that may stand in the split."""
    draw = random.Random(f"{of.seed}/{name}/{split}")
    found: dict[str, Item] = {}
    while len(found) < count:
        item = SOURCES[name].draw(draw, of.lexicon)
        written = _written(item)
        if written not in found and split_of(written) == split:
            found[written] = item
    return tuple(found.values())


def _written(item: Item) -> str:
    """The English text of an item, without its label."""
    match item:
        case PairItem(first, second):
            return f"{english(first)} {english(second)}"
        case TagItem(sentence):
            return english(sentence)
        case PoolItem():
            return item.meaning
        case SpanItem(passage, question):
            return " ".join(map(english, (*passage, question)))
        case ChoiceItem(context, question, options):
            told = [option if isinstance(option, str) else english(option) for option in options]
            return " ".join([*map(english, context), question or "", *told])


def _example(of: World, task: Task, split: Split, item: Item, language: str, name: str) -> Example:
    first, second = task.sides(language)[0], task.sides(language)[-1]
    words = of.lexicon.words[first]

    def said(*clauses: Clause, language: str = first) -> str:
        return " ".join(text(render(clause, language, of.lexicon.words[language])) for clause in clauses)

    # Only what could help a target is taught by other rules in the null world: targets and controls stay as they are.
    other_rules = of.null and task.training is None and not task.control
    match item:
        case PairItem():
            item = null.pair(item, task.name, len(task.labels), of.seed) if other_rules else item
            if task.shift == "perturbed" and split == "test":
                item = pairs.perturbed(item)
            return Pair(said(item.first), said(item.second, language=second), item.label)
        case TagItem(sentence):
            pieces = render(sentence, language, words)
            tagger, labels = tags.TAGGERS[task.name]
            found = null.tags(pieces, of.seed) if other_rules else tagger(pieces, of.lexicon)
            return Tagged(tuple(piece.word for piece in pieces), tuple(labels.index(tag) for tag in found))
        case SpanItem():
            item = null.span(item, task.name, not task.unanswerable, of.seed) if other_rules else item
            return spans.example(item, language, of.lexicon, name)
        case ChoiceItem():
            told = [words[option] if isinstance(option, str) else said(option) for option in item.options]
            question = f"{words['what']} {words[item.question]} ?" if item.question else ""
            return Choice(said(*item.context), question, tuple(told), item.label)
        case PoolItem():
            raise ValueError(f"{task.name} is retrieval: its items make a pool, not examples.")


def _pool(of: World, name: str, split: Split, language: str, mine: bool) -> Parallel:
    """Foreign queries and English candidates in another order.

    In mining they translate literally, and some of either side have no partner; elsewhere the translations are free.
    """
    apart = DISTRACTORS if mine else 0
    items = _items(of, name, split, POOL + 2 * apart)
    clauses = [item.sentence for item in items if isinstance(item, PoolItem)]
    paired, lone = clauses[:POOL], clauses[POOL:]
    words = of.lexicon.words[language]
    queries = [text(render(clause, language, words)) for clause in paired + lone[:apart]]
    places = random.Random(f"{of.seed}/{name}/{split}/places").sample(range(POOL + apart), POOL + apart)
    candidates = [""] * (POOL + apart)
    for place, clause in zip(places, paired + lone[apart:], strict=True):
        candidates[place] = english(clause if mine else in_other_words(clause))
    return Parallel(tuple(queries), tuple(candidates), tuple(places[:POOL]) + (-1,) * apart)
