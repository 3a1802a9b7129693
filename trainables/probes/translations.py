"""Which parallel sentences the probes read: the same for every encoder."""

import functools

import numpy as np

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data import data
from trainables.data.data import Source
from trainables.features.examples import Pair, Parallel

SENTENCES = 256  # pairs per language at most: all layers of XLM-R Large take 27 MB a side
FEWEST = 8  # fewer say nothing

Translations = tuple[tuple[str, ...], tuple[str, ...]]  # English sentences, and what translates each of them


@functools.lru_cache(maxsize=4)
def translations(source: Source) -> dict[str, Translations]:
    """Parallel sentences by language, from the first of the benchmark's parallel targets that the data hold.

    A retrieval task gives its pairs, a task of sentence pairs the first sentences of its test rows. Raises UsageError
    where the data hold none of them.
    """
    benchmark = BENCHMARKS.find(source.benchmark)
    for task in (benchmark.targets[name] for name in benchmark.parallel):
        languages = [language for language in data.languages(source, task) if language != "en"]
        pairs = {language: _chosen(_pairs(source, task, language)) for language in languages}
        enough = {language: texts for language, texts in pairs.items() if len(texts[0]) >= FEWEST}
        if enough:
            return enough
    raise UsageError(f"the data hold no parallel sentences of {' or '.join(benchmark.parallel)}.")


def _pairs(source: Source, task: Task, language: str) -> list[tuple[str, str]]:
    """English sentences, each with its translation."""
    if task.kind == "retrieval":
        pool = data.pool(source, task, "test", language)
        assert isinstance(pool, Parallel)
        found = [(pool.queries[i], pool.candidates[j]) for i, j in enumerate(pool.gold) if j >= 0]
        # Mining looks for English sentences (BUCC), the other tasks for translations of them (Tatoeba).
        return [(english, foreign) for foreign, english in found] if task.retrieval == "mine" else found
    english, foreign = (data.examples(source, task, "test", code)[0] for code in ("en", language))
    if len(english) != len(foreign):  # rows were left out: which translate each other is not known
        return []
    return [
        (one.first, other.first)
        for one, other in zip(english, foreign, strict=True)
        if isinstance(one, Pair) and isinstance(other, Pair)
    ]


def _chosen(pairs: list[tuple[str, str]]) -> Translations:
    """At most SENTENCES pairs, drawn alike for every language, in which no sentence stands twice."""
    english: dict[str, str] = {}
    foreign: set[str] = set()
    for i in np.random.default_rng(0).permutation(len(pairs)):
        ours, theirs = pairs[i]
        if len(english) < SENTENCES and ours not in english and theirs not in foreign:
            english[ours] = theirs
            foreign.add(theirs)
    return tuple(english), tuple(english.values())
