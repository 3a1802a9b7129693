"""Which parallel sentences the probes read: the same for every encoder."""

import functools

import numpy as np

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.features.examples import PairExample, ParallelPool

MAX_SENTENCES = 256  # pairs per language at most: all layers of XLM-R Large take 27 MB a side
MIN_SENTENCES = 8  # fewer say nothing

Translations = tuple[tuple[str, ...], tuple[str, ...]]  # English sentences, and what translates each of them


@functools.lru_cache(maxsize=4)
def load_translations(source: DataSource) -> dict[str, Translations]:
    """Parallel sentences by language, from the first of the benchmark's parallel targets that the data hold.

    A retrieval task gives its pairs, a task of sentence pairs the first sentences of its test rows. Raises UsageError
    where the data hold none of them.
    """
    benchmark = BENCHMARKS.find(source.benchmark)
    for task in (benchmark.targets[name] for name in benchmark.parallel_targets):
        languages = [language for language in task_data.find_languages(source, task) if language != "en"]
        pairs = {language: _choose_pairs(_read_pairs(source, task, language)) for language in languages}
        enough = {language: texts for language, texts in pairs.items() if len(texts[0]) >= MIN_SENTENCES}
        if enough:
            return enough
    raise UsageError(f"the data hold no parallel sentences of {' or '.join(benchmark.parallel_targets)}.")


def _read_pairs(source: DataSource, task: Task, language: str) -> list[tuple[str, str]]:
    """English sentences, each with its translation."""
    if task.kind == "retrieval":
        pool = task_data.load_pool(source, task, "test", language)
        assert isinstance(pool, ParallelPool)
        found = [(pool.queries[i], pool.candidates[j]) for i, j in enumerate(pool.gold) if j >= 0]
        # Mining looks for English sentences (BUCC), the other tasks for translations of them (Tatoeba).
        return [(english, foreign) for foreign, english in found] if task.retrieval_mode == "mine" else found
    english, foreign = (task_data.load_examples(source, task, "test", code)[0] for code in ("en", language))
    if len(english) != len(foreign):  # rows were left out: which translate each other is not known
        return []
    return [
        (one.first, other.first)
        for one, other in zip(english, foreign, strict=True)
        if isinstance(one, PairExample) and isinstance(other, PairExample)
    ]


def _choose_pairs(pairs: list[tuple[str, str]]) -> Translations:
    """At most SENTENCES pairs, drawn alike for every language, in which no sentence stands twice."""
    english: dict[str, str] = {}
    foreign: set[str] = set()
    for i in np.random.default_rng(0).permutation(len(pairs)):
        ours, theirs = pairs[i]
        if len(english) < MAX_SENTENCES and ours not in english and theirs not in foreign:
            english[ours] = theirs
            foreign.add(theirs)
    return tuple(english), tuple(english.values())
