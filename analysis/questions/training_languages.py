"""Does the language of an intermediate task's training set matter? Gains by evaluation language, against English."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.questions.chains import describe_unequal_budgets
from analysis.questions.training_sets import TrainingRelation, TrainingSet, find_training_sets, relate_languages
from analysis.statistics.effects import Effect, encode_one_hot, estimate_effect, find_complete_block
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column, languages_of
from spaces.errors import UsageError
from spaces.language import ENGLISH, Language
from spaces.pretraining_sizes import CC100_GIB
from spaces.table import describe_unknown

TESTED_RELATIONS: tuple[TrainingRelation, ...] = ("own language", "same family", "same script")  # against the others
RESOURCE_LEVELS = ("low", "high")
MIN_SIZED_LANGUAGES = 4  # training languages for a slope: of fewer, each one decides it


@dataclass(frozen=True, kw_only=True)
class TrainingLanguages:
    """Gains in points; the mean over the targets that are scored in a language is taken first.

    `extra_effects` is what a relation of languages adds beyond a training set's gain in every language and an
    evaluation language's gain from every training set (a two-way additive model). English is no evaluation language in
    that model.
    """

    transfer: Transfer
    targets: tuple[str, ...]
    task: str
    sets: tuple[TrainingSet, ...]
    english_set: TrainingSet | None
    languages: tuple[str, ...]  # of evaluation, English first
    gains: Array  # sets x languages x seeds, over the baseline
    left_out: Mapping[str, str]  # chain -> why it is not a training set of the task
    budget_warning: str | None
    extra_effects: Mapping[TrainingRelation, Effect | None]
    size_effect: Effect | None  # of ten times as much text of the training language in CC-100; None: too few languages
    by_target: Mapping[str, "TrainingLanguages"]  # one target at a time, where there are several

    @property
    def gains_over_english(self) -> Array:
        """Gains over the same task trained in English, sets x languages x seeds; NaN without a chain in English."""
        if self.english_set is None:
            return np.full(self.gains.shape, np.nan)
        reference: Array = self.gains[self.sets.index(self.english_set)]
        return self.gains - reference

    @cached_property
    def known_languages(self) -> Mapping[str, Language]:
        """The benchmark's table of languages."""
        return languages_of(self.transfer)

    def average_cells(self, select: Callable[[TrainingSet, str], bool], array: Array) -> tuple[Array, int]:
        """Return the mean over the selected cells with any value, by seed (NaN where one lacks), and their number."""
        cells = np.array([[select(each, language) for language in self.languages] for each in self.sets], np.bool_)
        values = array[cells]
        values = values[np.isfinite(values).any(axis=1)]
        return (values.mean(axis=0) if len(values) else np.full(array.shape[-1], np.nan)), len(values)

    def average_by_relation(self, kind: TrainingRelation, array: Array, level: str | None = None) -> tuple[Array, int]:
        """Return `average_cells` of one relation, for training sets in one language other than English.

        With `level`, only training languages with so many resources.
        """

        def wanted(each: TrainingSet, language: str) -> bool:
            trained = each.languages[0]
            if not each.is_single_language or trained == ENGLISH or level not in (None, self._resource_level(trained)):
                return False
            return relate_languages(trained, language, self.known_languages) == kind

        return self.average_cells(wanted, array)

    def average_by_resource_level(self, level: str, array: Array) -> tuple[Array, tuple[str, ...]]:
        """Return the mean outside English, by seed, of training in low- or high-resource languages, and the chains."""
        single = (each for each in self.sets if each.is_single_language)
        chosen = tuple(each for each in single if self._resource_level(each.languages[0]) == level)
        by_seed, _ = self.average_cells(lambda each, language: each in chosen and language != ENGLISH, array)
        return by_seed, tuple(each.chain for each in chosen)

    def _resource_level(self, language: str) -> str | None:
        row = self.known_languages.get(language)
        return None if row is None or language == ENGLISH else row.resource


def compare_training_languages(transfer: Transfer, target: str | None = None) -> TrainingLanguages:
    """Compare the languages in which one task was trained, over all targets or for one.

    Raise UsageError if no task is trained in two languages, there is no such target, or there is no score.
    """
    if target is not None and target not in transfer.targets:
        raise UsageError(f"--target: {describe_unknown('target', target, transfer.targets)}")
    task, sets, left_out = find_training_sets(transfer)
    if len({each.languages for each in sets}) < 2:
        raise UsageError(
            f"{transfer.loaded_scores.source}: no task is trained in two languages, so there is nothing to compare. "
            "Run search/run.py --space languages."
        )
    scope = transfer.targets if target is None else (target,)
    languages, gains = _compute_gains(transfer, sets, scope)
    if not languages:
        raise UsageError(f"{transfer.loaded_scores.source}: no target has a score in any language: nothing to compare.")
    scored = [name for name in scope if transfer.scored_mask[transfer.targets.index(name)].any()]
    return TrainingLanguages(
        transfer=transfer,
        targets=scope,
        task=task,
        sets=sets,
        english_set=next((each for each in sets if each.task == task and each.languages == (ENGLISH,)), None),
        languages=languages,
        gains=gains,
        left_out=left_out,
        budget_warning=describe_unequal_budgets(transfer, [each.chain for each in sets]),
        extra_effects=estimate_extra_effects(sets, languages, gains, languages_of(transfer)),
        size_effect=estimate_size_effect([each if each.task == task else None for each in sets], languages, gains),
        by_target={name: compare_training_languages(transfer, name) for name in (scored if len(scored) > 1 else ())},
    )


def _compute_gains(
    transfer: Transfer, sets: Sequence[TrainingSet], scope: Sequence[str]
) -> tuple[tuple[str, ...], Array]:
    """Return the evaluation languages, and gains over the baseline, sets x languages x seeds."""
    rows = [transfer.intermediates.index(each.chain) for each in sets]
    targets_by_language = {
        name: tuple(target for target in scope if transfer.scored_mask[transfer.targets.index(target), index])
        for index, name in enumerate(transfer.languages)
    }
    scored = [name for name, targets in targets_by_language.items() if targets]
    languages = sorted(scored, key=lambda name: (name != ENGLISH, name))
    gains = []
    for name in languages:
        column = TransferColumn(name=name, targets=targets_by_language[name], languages=frozenset({name}))
        gains.append(compute_column(transfer, column, transfer.gains).values[rows])
    return tuple(languages), np.stack(gains, axis=1) if gains else np.zeros((len(rows), 0, len(transfer.seeds)))


def estimate_extra_effects(
    sets: Sequence[TrainingSet], languages: Sequence[str], gains: Array, table: Mapping[str, Language]
) -> dict[TrainingRelation, Effect | None]:
    """Return what own language, family and script add beyond training set and evaluation language.

    `gains` are sets x languages x seeds. Only training sets in one known language count, and evaluation languages other
    than English.
    """
    cells = [
        (row, column, relate_languages(each.languages[0], language, table))
        for row, each in enumerate(sets)
        for column, language in enumerate(languages)
        if each.is_single_language and {each.languages[0], language} <= table.keys() and language != ENGLISH
    ]
    values = np.array([gains[row, column] for row, column, _ in cells]).reshape(len(cells), gains.shape[-1])
    complete, seeds = find_complete_block(values)
    block, pairs = values[np.ix_(complete, seeds)], [cells[cell] for cell in complete]
    if not block.size:
        return dict.fromkeys(TESTED_RELATIONS)
    additive = np.column_stack([encode_one_hot([pair[axis] for pair in pairs]) for axis in (0, 1)])
    marks = {name: np.array([float(pair[2] == name) for pair in pairs]) for name in TESTED_RELATIONS}
    effects = {}
    for name, column in marks.items():
        others = np.column_stack([additive, *(marks[other] for other in TESTED_RELATIONS if other != name)])
        effects[name] = estimate_effect(block, column, others)
    return effects


def estimate_size_effect(sets: Sequence[TrainingSet | None], languages: Sequence[str], gains: Array) -> Effect | None:
    """Return the slope of the mean gain outside English on the logarithm to base 10 of a set's GiB in CC-100.

    `gains` are sets x languages x seeds. A unit is a training set in one language other than English that CC-100 has;
    a set that is None (of another task, made in its language) is left out. None with fewer than MIN_SIZED_LANGUAGES.
    """
    foreign = [column for column, language in enumerate(languages) if language != ENGLISH]
    rows = [
        (row, math.log10(CC100_GIB[each.languages[0]]))
        for row, each in enumerate(sets)
        if each is not None and each.is_single_language and ENGLISH not in each.languages
        if each.languages[0] in CC100_GIB
    ]
    if not (rows and foreign):
        return None
    means = gains[np.ix_([row for row, _ in rows], foreign)].mean(axis=1)  # NaN where a language lacks the seed
    complete, seeds = find_complete_block(means)
    if len(complete) < MIN_SIZED_LANGUAGES or not len(seeds):
        return None
    sizes = np.array([rows[unit][1] for unit in complete])
    return estimate_effect(means[np.ix_(complete, seeds)], sizes, np.ones((len(complete), 1)))
