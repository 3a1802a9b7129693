"""The tables of training_languages.py: by relation of languages, by mixture, and training by evaluation language."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from analysis.questions.training_languages import RESOURCE_LEVELS, TESTED_RELATIONS, TrainingLanguages
from analysis.questions.training_sets import RELATIONS, TrainingRelation, TrainingSet
from analysis.statistics.moments import Array
from analysis.tables.grid import Grid, GridColumn, GridRow
from analysis.tables.numbers import number_from_effect, summarise_seeds
from spaces.chain import NONE
from spaces.language import ENGLISH

LOW_LESS_HIGH = "low- less high-resource training"


class MixtureGains(NamedTuple):
    """A mixture of languages against training in one language, by seed in points."""

    over_english: Array  # in its languages other than English, over English alone
    over_each: Array  # in its languages other than English, each over that language alone
    elsewhere: Array  # in languages that it lacks, over English alone
    in_english: Array  # in English, over English alone


def build_relation_table(training: TrainingLanguages) -> Grid:
    """Return gains by the relation of training and evaluation language, and low against high resources."""
    columns = (
        GridColumn("pairs", "count"),
        GridColumn(f"gain over {NONE}", "difference", interval=True),
        GridColumn("gain over English", "difference", interval=True),
        GridColumn("extra", "difference", interval=True),
    )
    values, low, high = compute_low_less_high(training)
    keys: list[tuple[TrainingRelation, str | None]] = []
    for name in RELATIONS:
        levels = RESOURCE_LEVELS if low and high and name in ("own language", "English") else ()
        keys += [(name, level) for level in (None, *levels)]
    rows: list[GridRow] = []
    for name, level in keys:
        gain, pairs = training.average_by_relation(name, training.gains, level)
        over_english, _ = training.average_by_relation(name, training.gains_over_english, level)
        extra = number_from_effect(training.extra_effects[name]) if name in TESTED_RELATIONS and level is None else None
        if pairs:
            title = _name_relation(name) if level is None else f"  of {level}-resource training"
            rows.append((title, pairs, summarise_seeds(gain), summarise_seeds(over_english), extra))
    if low and high:
        rows.append((LOW_LESS_HIGH, None, summarise_seeds(values), None, None))
    if training.size_effect is not None:
        count = training.size_effect.rows
        rows.append(("ten times as much text in CC-100", count, number_from_effect(training.size_effect), None, None))
    title = f"Training {training.task} in one language other than English, by evaluation language"
    return Grid(title, (GridColumn("evaluated in"), *columns), tuple(rows))


def _name_relation(name: TrainingRelation) -> str:
    return {"own language": "the language of training", "other": "another family and script"}.get(name, name)


def compute_low_less_high(training: TrainingLanguages) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Return the difference by seed, and the chains of low and of high resources."""
    (low_mean, low), (high_mean, high) = (
        training.average_by_resource_level(level, training.gains) for level in RESOURCE_LEVELS
    )
    return low_mean - high_mean, low, high


def build_mixture_table(training: TrainingLanguages) -> Grid:
    """Return training sets in several languages beside those in one."""
    headings = (
        "in its languages, over English alone",
        "in its languages, over each alone",
        "in others, over English alone",
        "in English, over English alone",
    )
    rows: list[GridRow] = [
        (mix.chain, *map(summarise_seeds, compare_mixture(training, mix)))
        for mix in training.sets
        if not mix.is_single_language
    ]
    columns = (GridColumn(name, "difference", interval=True) for name in headings)
    return Grid("Training in several languages (its own but for English)", (GridColumn("chain"), *columns), tuple(rows))


def compare_mixture(training: TrainingLanguages, mix: TrainingSet) -> MixtureGains:
    """Return the columns of the mixture table by seed; NaN where a training set to compare with is missing."""
    own = [language for language in mix.languages if language != ENGLISH]
    single_rows = {
        each.languages[0]: row
        for row, each in enumerate(training.sets)
        if each.is_single_language and each.task == training.task
    }
    gains, over_english = training.gains[training.sets.index(mix)], training.gains_over_english
    over_each = [
        gains[column] - training.gains[single_rows[language], column]
        for column, language in enumerate(training.languages)
        if language in own and language in single_rows
    ]

    def average(select: Callable[[str], bool]) -> Array:
        by_seed, _ = training.average_cells(lambda each, name: each is mix and select(name), over_english)
        return by_seed

    return MixtureGains(
        over_english=average(lambda language: language in own),
        over_each=np.mean(over_each, axis=0) if over_each else np.full(len(training.transfer.seeds), np.nan),
        elsewhere=average(lambda language: language not in (*own, ENGLISH)),
        in_english=average(lambda language: language == ENGLISH),
    )


def build_matrix(training: TrainingLanguages, title: str, array: Array) -> Grid:
    """Return training sets by evaluation languages; no rows where no value is known."""
    rows: list[GridRow] = [
        (training_set.chain, " ".join(training_set.languages), *(summarise_seeds(values) for values in cells))
        for training_set, cells in zip(training.sets, array, strict=True)
        if np.isfinite(array).any() and not (array is not training.gains and training_set == training.english_set)
    ]
    columns = (GridColumn(language, "difference") for language in training.languages)
    headings = (GridColumn("chain"), GridColumn("trained in"), *columns)
    return Grid(f"{title}, by evaluation language", headings, tuple(rows))


def build_target_table(training: TrainingLanguages) -> Grid:
    """Return, by target, the gain of the own language, its extra, and the change in English."""
    rows: list[GridRow] = []
    for target, single in training.by_target.items():
        own, english = (
            summarise_seeds(single.average_by_relation(relation, single.gains_over_english)[0])
            for relation in ("own language", "English")
        )
        rows.append((target, own, number_from_effect(single.extra_effects["own language"]), english))
    headings = ("own language, over English", "extra of the own language", "English, over English")
    columns = (GridColumn(name, "difference", interval=True) for name in headings)
    return Grid("Training in one language other than English, by target", (GridColumn("target"), *columns), tuple(rows))
