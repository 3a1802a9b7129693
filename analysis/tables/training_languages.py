"""The tables of training_languages.py: by pair of languages, by mixture, and training by evaluation language."""

import numpy as np

from analysis.questions.training_languages import (
    RELATIONS,
    RESOURCE_LEVELS,
    TESTED_RELATIONS,
    TrainingLanguages,
    TrainingRelation,
    TrainingSet,
)
from analysis.statistics.effects import Effect
from analysis.statistics.moments import Array
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import summarise_seeds
from spaces.chain import NONE
from spaces.language import ENGLISH

LOW_LESS_HIGH = "low- less high-resource training"


def build_relation_table(found: TrainingLanguages) -> Grid:
    """By how the evaluation language stands to that of the training set; and low against high resources."""
    heads = (
        GridColumn("pairs", "count"),
        GridColumn(f"gain over {NONE}", "difference", interval=True),
        GridColumn("gain over English", "difference", interval=True),
        GridColumn("extra", "difference", interval=True),
    )
    values, low, high = compute_low_less_high(found)
    lines: list[tuple[TrainingRelation, str | None]] = []
    for name in RELATIONS:
        levels = RESOURCE_LEVELS if low and high and name in ("own language", "English") else ()
        lines += [(name, level) for level in (None, *levels)]
    rows: list[tuple[GridValue, ...]] = []
    for name, level in lines:
        gain, pairs = found.average_by_relation(name, found.gains, level)
        beside, _ = found.average_by_relation(name, found.gains_over_english, level)
        extra = number_from_effect(found.extra_effects[name]) if name in TESTED_RELATIONS and level is None else None
        if pairs:
            title = _name_relation(name) if level is None else f"  of {level}-resource training"
            rows.append((title, pairs, summarise_seeds(gain), summarise_seeds(beside), extra))
    if low and high:
        rows.append((LOW_LESS_HIGH, None, summarise_seeds(values), None, None))
    title = f"Training {found.task} in one language other than English, by evaluation language"
    return Grid(title, (GridColumn("evaluated in"), *heads), tuple(rows))


def _name_relation(name: TrainingRelation) -> str:
    return {"own language": "the language of training", "other": "another family and script"}.get(name, name)


def compute_low_less_high(found: TrainingLanguages) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """By seed, and the chains of low and of high resources."""
    (few, low), (many, high) = (found.average_by_resource_level(level, found.gains) for level in RESOURCE_LEVELS)
    return few - many, low, high


def number_from_effect(one: Effect | None) -> GridNumber:
    """An effect as a field."""
    if one is None:
        return GridNumber(value=None, text="not apart")
    low, high = one.interval or (None, None)
    return GridNumber(value=one.value, low=low, high=high)


def build_mixture_table(found: TrainingLanguages) -> Grid:
    """Training sets in several languages beside those in one."""
    heads = (
        "in its languages, over English alone",
        "in its languages, over each alone",
        "in others, over English alone",
        "in English, over English alone",
    )
    rows: list[tuple[GridValue, ...]] = [
        (one.chain, *(summarise_seeds(values) for values in compare_mixture(found, one)))
        for one in found.sets
        if not one.is_single_language
    ]
    columns = (GridColumn(name, "difference", interval=True) for name in heads)
    return Grid("Training in several languages (its own but for English)", (GridColumn("chain"), *columns), tuple(rows))


def compare_mixture(found: TrainingLanguages, mix: TrainingSet) -> tuple[Array, Array, Array, Array]:
    """By seed, in the order of the columns of `mixtures`; NaN where a training set to compare with is missing."""
    own = [language for language in mix.languages if language != ENGLISH]
    alone = {one.languages[0]: one for one in found.sets if one.is_single_language and one.task == found.task}
    row = found.sets.index(mix)
    less = [
        found.gains[row, found.languages.index(language)]
        - (found.gains[found.sets.index(alone[language]), found.languages.index(language)])
        for language in own
        if language in alone and language in found.languages
    ]
    return (
        found.average_cells(lambda one, language: one is mix and language in own, found.gains_over_english)[0],
        np.mean(less, axis=0) if less else np.full(len(found.transfer.seeds), np.nan),
        found.average_cells(
            lambda one, language: one is mix and language not in (*own, ENGLISH), found.gains_over_english
        )[0],
        found.average_cells(lambda one, language: one is mix and language == ENGLISH, found.gains_over_english)[0],
    )


def build_matrix(found: TrainingLanguages, title: str, array: Array) -> Grid:
    """Training sets by evaluation languages; no rows where nothing is known."""
    rows: list[tuple[GridValue, ...]] = [
        (one.chain, " ".join(one.languages), *(summarise_seeds(values) for values in line))
        for one, line in zip(found.sets, array, strict=True)
        if np.isfinite(array).any() and not (array is not found.gains and one == found.english_set)
    ]
    columns = (GridColumn(language, "difference") for language in found.languages)
    return Grid(
        f"{title}, by evaluation language", (GridColumn("chain"), GridColumn("trained in"), *columns), tuple(rows)
    )


def build_target_table(found: TrainingLanguages) -> Grid:
    """The own language beside English, its extra, and what English loses, target by target."""
    rows: list[tuple[GridValue, ...]] = []
    for target, one in found.by_target.items():
        own, _ = one.average_by_relation("own language", one.gains_over_english)
        english, _ = one.average_by_relation("English", one.gains_over_english)
        rows.append(
            (
                target,
                summarise_seeds(own),
                number_from_effect(one.extra_effects["own language"]),
                summarise_seeds(english),
            )
        )
    heads = ("own language, over English", "extra of the own language", "English, over English")
    columns = (GridColumn(name, "difference", interval=True) for name in heads)
    return Grid("Training in one language other than English, by target", (GridColumn("target"), *columns), tuple(rows))
