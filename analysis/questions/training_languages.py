"""What does it matter in which language an intermediate task is trained: by evaluation language, beside English?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.questions.chains import describe_unequal_budgets, read_plain_chain, tasks_of
from analysis.statistics.effects import Effect, encode_one_hot, estimate_effect, find_complete_block
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column, languages_of
from spaces.errors import UsageError
from spaces.language import ENGLISH, Language
from spaces.table import describe_unknown

TrainingRelation = Literal["own language", "same family", "same script", "other", "English", "unknown"]
RELATIONS: tuple[TrainingRelation, ...] = get_args(TrainingRelation)
TESTED_RELATIONS: tuple[TrainingRelation, ...] = ("own language", "same family", "same script")  # against the others
RESOURCE_LEVELS = ("low", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """A chain of one task, or of tasks with the same labels, by the languages of its rows."""

    chain: str
    task: str
    languages: tuple[str, ...]

    @property
    def is_single_language(self) -> bool:
        """Whether its rows are in one language."""
        return len(self.languages) == 1


@dataclass(frozen=True, kw_only=True)
class TrainingLanguages:
    """Gains in points. The mean over the targets that are scored in a language is taken before anything else.

    `beside` is NaN where there is no chain in English. `extra` is what a relation adds beyond what a training set gives
    in every language and what an evaluation language gets from every training set (a two-way additive model); English
    is no evaluation language there.
    """

    transfer: Transfer
    targets: tuple[str, ...]
    task: str
    sets: tuple[TrainingSet, ...]
    english_set: TrainingSet | None
    languages: tuple[str, ...]  # of evaluation, English first
    gains: Array  # sets x languages x seeds, over the baseline
    left_out: Mapping[str, str]  # chain -> why it is no training set of the task
    budget_warning: str | None
    extra_effects: Mapping[TrainingRelation, Effect | None]
    by_target: Mapping[str, "TrainingLanguages"]  # each alone, where there are several

    @property
    def gains_over_english(self) -> Array:
        """Gains over the same task trained in English: sets x languages x seeds."""
        if self.english_set is None:
            return np.full(self.gains.shape, np.nan)
        reference: Array = self.gains[self.sets.index(self.english_set)]
        return self.gains - reference

    @property
    def known_languages(self) -> Mapping[str, Language]:
        """What tables say of languages."""
        return languages_of(self.transfer)

    def relate(self, trained: str, evaluated: str) -> TrainingRelation:
        """How the language of a training set stands to that of an evaluation."""
        return relate_languages(trained, evaluated, self.known_languages)

    def average_cells(self, wanted: Callable[[TrainingSet, str], bool], array: Array) -> tuple[Array, int]:
        """By seed, the mean over the wanted cells that have any value, and how many these are; NaN where one lacks."""
        cells = np.array([[wanted(one, language) for language in self.languages] for one in self.sets], np.bool_)
        values = array[cells]
        values = values[np.isfinite(values).any(axis=1)]
        return (values.mean(axis=0) if len(values) else np.full(array.shape[-1], np.nan)), len(values)

    def average_by_relation(self, kind: TrainingRelation, array: Array, level: str | None = None) -> tuple[Array, int]:
        """`over` the pairs of a relation whose training set is in one language other than English.

        With `level` those in languages of so many resources.
        """

        def wanted(one: TrainingSet, language: str) -> bool:
            trained = one.languages[0]
            there = one.is_single_language and trained != ENGLISH and level in (None, self._resource_level(trained))
            return there and self.relate(trained, language) == kind

        return self.average_cells(wanted, array)

    def average_by_resource_level(self, level: str, array: Array) -> tuple[Array, tuple[str, ...]]:
        """By seed, the mean over languages other than English, of training in languages of few or many resources."""
        chosen = tuple(
            one for one in self.sets if one.is_single_language and self._resource_level(one.languages[0]) == level
        )
        by_seed, _ = self.average_cells(lambda one, language: one in chosen and language != ENGLISH, array)
        return by_seed, tuple(one.chain for one in chosen)

    def _resource_level(self, language: str) -> str | None:
        return (
            self.known_languages[language].resource
            if language in self.known_languages and language != ENGLISH
            else None
        )


def relate_languages(trained: str, evaluated: str, known: Mapping[str, Language]) -> TrainingRelation:
    """The first that applies; of a language that no table has only its own evaluation and English are known."""
    if trained == evaluated:
        return "own language"
    if evaluated == ENGLISH:
        return "English"
    if trained not in known or evaluated not in known:
        return "unknown"
    one, other = known[trained], known[evaluated]
    if one.family == other.family:
        return "same family"
    return "same script" if one.script == other.script else "other"


def compare_training_languages(found: Transfer, target: str | None = None) -> TrainingLanguages:
    """Compare the languages in which one task was trained, over all targets or for one.

    Raises:
        UsageError: no task is trained in two languages, there is no such target, or there is no score.
    """
    if target is not None and target not in found.targets:
        raise UsageError(f"--target: {describe_unknown('target', target, found.targets)}")
    task, sets, left_out = _find_training_sets(found)
    if len({one.languages for one in sets}) < 2:
        raise UsageError(
            f"{found.loaded_scores.source}: no task is trained in two languages, so there is nothing to compare; see "
            f"search/run.py --space languages."
        )
    scope = found.targets if target is None else (target,)
    languages, gains = _compute_gains(found, sets, scope)
    if not languages:
        raise UsageError(
            f"{found.loaded_scores.source}: no target has a score in any language, so there is nothing to compare."
        )
    scored = [name for name in scope if found.scored_mask[found.targets.index(name)].any()]
    return TrainingLanguages(
        transfer=found,
        targets=scope,
        task=task,
        sets=sets,
        english_set=next((one for one in sets if one.task == task and one.languages == (ENGLISH,)), None),
        languages=languages,
        gains=gains,
        left_out=left_out,
        budget_warning=describe_unequal_budgets(found, [one.chain for one in sets]),
        extra_effects=estimate_extra_effects(sets, languages, gains, languages_of(found)),
        by_target={name: compare_training_languages(found, name) for name in (scored if len(scored) > 1 else ())},
    )


def _compute_gains(found: Transfer, sets: Sequence[TrainingSet], scope: Sequence[str]) -> tuple[tuple[str, ...], Array]:
    """Languages of evaluation, and gains over the baseline: sets x languages x seeds."""
    rows = [found.intermediates.index(one.chain) for one in sets]
    spoken = {
        name: tuple(target for target in scope if found.scored_mask[found.targets.index(target), place])
        for place, name in enumerate(found.languages)
    }
    languages = sorted((name for name, targets in spoken.items() if targets), key=lambda name: (name != ENGLISH, name))
    columns = [TransferColumn(name=name, targets=spoken[name], languages=frozenset({name})) for name in languages]
    gains = [compute_column(found, column, found.gains).values[rows] for column in columns]
    return tuple(languages), np.stack(gains, axis=1) if gains else np.zeros((len(rows), 0, len(found.seeds)))


def estimate_extra_effects(
    sets: Sequence[TrainingSet], languages: Sequence[str], gains: Array, known: Mapping[str, Language]
) -> dict[TrainingRelation, Effect | None]:
    """What the own language, a family, and a script add beyond training set and evaluation language.

    `gains` are sets x languages x seeds. Only training sets in one language that a table has count, and evaluation
    languages other than English.
    """
    cells = [
        (row, place, relate_languages(one.languages[0], language, known))
        for row, one in enumerate(sets)
        for place, language in enumerate(languages)
        if one.is_single_language and {one.languages[0], language} <= known.keys() and language != ENGLISH
    ]
    values = np.array([gains[row, place] for row, place, _ in cells]).reshape(len(cells), gains.shape[-1])
    kept, seeds = find_complete_block(values)
    there, pairs = values[np.ix_(kept, seeds)], [cells[cell] for cell in kept]
    if not there.size:
        return dict.fromkeys(TESTED_RELATIONS)
    additive = np.column_stack([encode_one_hot([pair[axis] for pair in pairs]) for axis in (0, 1)])
    marks = {name: np.array([float(pair[2] == name) for pair in pairs]) for name in TESTED_RELATIONS}
    return {
        name: estimate_effect(
            there, marks[name], np.column_stack([additive, *(marks[each] for each in TESTED_RELATIONS if each != name)])
        )
        for name in TESTED_RELATIONS
    }


def _find_training_sets(found: Transfer) -> tuple[str, tuple[TrainingSet, ...], dict[str, str]]:
    """The task that is trained in most languages, its training sets with those of the same labels, and the rest."""
    tasks = tasks_of(found)
    left_out: dict[str, str] = {}
    groups: dict[tuple[object, ...], list[TrainingSet]] = {}
    for name in found.intermediates:
        chain = read_plain_chain(found, name, tasks)
        if isinstance(chain, str):
            left_out[name] = chain
            continue
        labels = {(tasks[task].kind, tasks[task].labels) for task in chain.tasks}
        if len(labels) > 1 or (len(chain.tasks) > 1 and not tasks[chain.tasks[0]].labels):
            left_out[name] = "a mix of other tasks"
            continue
        spoken = tuple(dict.fromkeys(one.language or tasks[one.task].own_language for one in chain.ingredients))
        # Tasks with the same labels ask the same question; of others only the task itself does.
        alike = next(iter(labels)) if tasks[chain.tasks[0]].labels else chain.tasks
        groups.setdefault(alike, []).append(TrainingSet(chain=name, task="+".join(chain.tasks), languages=spoken))
    group = max(groups.values(), key=_count_languages, default=[])
    task = max(dict.fromkeys(one.task for one in group), key=lambda name: _count_languages(group, name), default="")
    sets = tuple(one for one in group if one.task == task or one.languages != (ENGLISH,))
    kept = {one.chain for one in sets}
    others = {one.chain: "another task" for each in groups.values() for one in each if one.chain not in kept}
    return task, sets, left_out | others


def _count_languages(sets: Sequence[TrainingSet], task: str | None = None) -> int:
    """In how many languages a task (or any of them) is trained."""
    return len({language for one in sets if task in (None, one.task) for language in one.languages})
