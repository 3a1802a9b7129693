"""Parallel sentences that the alignment probes read: the same for every encoder."""

import functools
from collections.abc import Mapping

import numpy as np

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.features.examples import PairExample, ParallelPool, ProbeSentences, Translations

# Pairs per language at most, which a sweep may bound further: all layers of XLM-R Large take 27 MB for each side.
MAX_SENTENCES = 256
MIN_SENTENCES = 8  # fewer pairs are not measured


@functools.lru_cache(maxsize=4)
def load_translations(source: DataSource) -> ProbeSentences:
    """Return parallel sentences by language: those that are no target's, or else of a target.

    Without sentences of their own they come from the first of the benchmark's parallel targets that the data have: a
    retrieval task gives its pairs, a task of sentence pairs the first sentences of its test rows. Raises UsageError if
    the data have neither.
    """
    most = MAX_SENTENCES if source.probe_limit is None else min(MAX_SENTENCES, source.probe_limit)
    own = task_data.load_probe_sentences(source)
    if own is not None:
        pairs = {name: list(zip(*texts, strict=True)) for name, texts in own.by_language.items()}
        by_language = {name: _choose_pairs(own_pairs, most) for name, own_pairs in pairs.items()}
        return ProbeSentences(own.source, _keep_enough(by_language))
    benchmark = BENCHMARKS.find(source.benchmark)
    for task in (benchmark.targets[name] for name in benchmark.parallel_targets):
        languages = [language for language in task_data.find_languages(source, task) if language != ENGLISH]
        enough = _keep_enough({name: _choose_pairs(_read_pairs(source, task, name), most) for name in languages})
        if enough:
            return ProbeSentences(task.name, enough)
    raise UsageError(f"the data have no parallel sentences of {' or '.join(benchmark.parallel_targets)}.")


def _keep_enough(by_language: Mapping[str, Translations]) -> dict[str, Translations]:
    return {language: texts for language, texts in by_language.items() if len(texts[0]) >= MIN_SENTENCES}


def _read_pairs(source: DataSource, task: Task, language: str) -> list[tuple[str, str]]:
    """Return English sentences, each with its translation."""
    if task.kind == "retrieval":
        pool = task_data.load_pool(source, task, "test", language)
        assert isinstance(pool, ParallelPool)
        pairs = [(pool.queries[i], pool.candidates[j]) for i, j in enumerate(pool.gold) if j >= 0]
        # The candidates of mining (BUCC) are English sentences, those of other tasks (Tatoeba) are their translations.
        return [(english, foreign) for foreign, english in pairs] if task.retrieval_mode == "mine" else pairs
    english, foreign = (task_data.load_examples(source, task, "test", code)[0] for code in (ENGLISH, language))
    if len(english) != len(foreign):  # rows were left out, so it is unknown which rows translate each other
        return []
    return [
        (example.first, translation.first)
        for example, translation in zip(english, foreign, strict=True)
        if isinstance(example, PairExample) and isinstance(translation, PairExample)
    ]


def _choose_pairs(pairs: list[tuple[str, str]], most: int) -> Translations:
    """Return at most `most` pairs without repeated sentences, drawn in the same order for every language."""
    chosen: dict[str, str] = {}
    used: set[str] = set()  # of the foreign sentences
    for i in np.random.default_rng(0).permutation(len(pairs)):
        english, foreign = pairs[i]
        if len(chosen) < most and english not in chosen and foreign not in used:
            chosen[english] = foreign
            used.add(foreign)
    return tuple(chosen), tuple(chosen.values())
