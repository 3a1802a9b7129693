"""The tables of training_languages.py: by pair of languages, by mixture, and training by evaluation language."""

import numpy as np

from analysis.questions.trained_in import (
    LEVELS,
    RELATIONS,
    TESTED,
    Relation,
    TrainedIn,
    TrainingSet,
)
from analysis.scores.choose import ENGLISH
from analysis.statistics.effects import Effect
from analysis.statistics.moments import Array
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import over_seeds
from spaces.chain import NONE

LOW_LESS_HIGH = "low- less high-resource training"


def relations(found: TrainedIn) -> Grid:
    """By how the evaluation language stands to that of the training set; and low against high resources."""
    heads = (
        Column("pairs", "count"),
        Column(f"gain over {NONE}", "difference", interval=True),
        Column("gain over English", "difference", interval=True),
        Column("extra", "difference", interval=True),
    )
    values, low, high = low_less_high(found)
    lines: list[tuple[Relation, str | None]] = []
    for name in RELATIONS:
        levels = LEVELS if low and high and name in ("own language", "English") else ()
        lines += [(name, level) for level in (None, *levels)]
    rows: list[tuple[Field, ...]] = []
    for name, level in lines:
        gain, pairs = found.abroad(name, found.gains, level)
        beside, _ = found.abroad(name, found.beside, level)
        extra = of_effect(found.extra[name]) if name in TESTED and level is None else None
        if pairs:
            title = _shown(name) if level is None else f"  of {level}-resource training"
            rows.append((title, pairs, over_seeds(gain), over_seeds(beside), extra))
    if low and high:
        rows.append((LOW_LESS_HIGH, None, over_seeds(values), None, None))
    title = f"Training {found.task} in one language other than English, by evaluation language"
    return Grid(title, (Column("evaluated in"), *heads), tuple(rows))


def _shown(name: Relation) -> str:
    return {"own language": "the language of training", "other": "another family and script"}.get(name, name)


def low_less_high(found: TrainedIn) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """By seed, and the chains of low and of high resources."""
    (few, low), (many, high) = (found.level(level, found.gains) for level in LEVELS)
    return few - many, low, high


def of_effect(one: Effect | None) -> Number:
    """An effect as a field."""
    if one is None:
        return Number(value=None, text="not apart")
    low, high = one.interval or (None, None)
    return Number(value=one.value, low=low, high=high)


def mixtures(found: TrainedIn) -> Grid:
    """Training sets in several languages beside those in one."""
    heads = (
        "in its languages, over English alone",
        "in its languages, over each alone",
        "in others, over English alone",
        "in English, over English alone",
    )
    rows: list[tuple[Field, ...]] = [
        (one.chain, *(over_seeds(values) for values in mixture(found, one))) for one in found.sets if not one.single
    ]
    columns = (Column(name, "difference", interval=True) for name in heads)
    return Grid("Training in several languages (its own but for English)", (Column("chain"), *columns), tuple(rows))


def mixture(found: TrainedIn, mix: TrainingSet) -> tuple[Array, Array, Array, Array]:
    """By seed, in the order of the columns of `mixtures`; NaN where a training set to compare with is missing."""
    own = [language for language in mix.languages if language != ENGLISH]
    alone = {one.languages[0]: one for one in found.sets if one.single and one.task == found.task}
    row = found.sets.index(mix)
    less = [
        found.gains[row, found.languages.index(language)]
        - (found.gains[found.sets.index(alone[language]), found.languages.index(language)])
        for language in own
        if language in alone and language in found.languages
    ]
    return (
        found.over(lambda one, language: one is mix and language in own, found.beside)[0],
        np.mean(less, axis=0) if less else np.full(len(found.found.seeds), np.nan),
        found.over(lambda one, language: one is mix and language not in (*own, ENGLISH), found.beside)[0],
        found.over(lambda one, language: one is mix and language == ENGLISH, found.beside)[0],
    )


def matrix(found: TrainedIn, title: str, array: Array) -> Grid:
    """Training sets by evaluation languages; no rows where nothing is known."""
    rows: list[tuple[Field, ...]] = [
        (one.chain, " ".join(one.languages), *(over_seeds(values) for values in line))
        for one, line in zip(found.sets, array, strict=True)
        if np.isfinite(array).any() and not (array is not found.gains and one == found.english)
    ]
    columns = (Column(language, "difference") for language in found.languages)
    return Grid(f"{title}, by evaluation language", (Column("chain"), Column("trained in"), *columns), tuple(rows))


def by_target(found: TrainedIn) -> Grid:
    """The own language beside English, its extra, and what English loses, target by target."""
    rows: list[tuple[Field, ...]] = []
    for target, one in found.by_target.items():
        own, _ = one.abroad("own language", one.beside)
        english, _ = one.abroad("English", one.beside)
        rows.append((target, over_seeds(own), of_effect(one.extra["own language"]), over_seeds(english)))
    heads = ("own language, over English", "extra of the own language", "English, over English")
    columns = (Column(name, "difference", interval=True) for name in heads)
    return Grid("Training in one language other than English, by target", (Column("target"), *columns), tuple(rows))
