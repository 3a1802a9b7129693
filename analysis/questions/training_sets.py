"""The chains that train one task in some language, and how languages are related."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from analysis.questions.chains import read_plain_chain, tasks_of
from analysis.transfer.array import Transfer
from analysis.transfer.columns import languages_of
from spaces.language import ENGLISH, Language
from spaces.language_codes import canonical_code

TrainingRelation = Literal["own language", "same family", "same script", "other", "English", "unknown"]
RELATIONS: tuple[TrainingRelation, ...] = get_args(TrainingRelation)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """A chain of one task, or of tasks with the same labels, by the languages of its rows."""

    chain: str
    task: str
    languages: tuple[str, ...]

    @property
    def is_single_language(self) -> bool:
        """True if its rows are in one language."""
        return len(self.languages) == 1


def relate_languages(trained: str, evaluated: str, languages: Mapping[str, Language]) -> TrainingRelation:
    """Return the first relation that applies; of an unknown language only "own language" and "English" are known."""
    if trained == evaluated:
        return "own language"
    if evaluated == ENGLISH:
        return "English"
    if trained not in languages or evaluated not in languages:
        return "unknown"
    first, second = languages[trained], languages[evaluated]
    if first.family == second.family:
        return "same family"
    return "same script" if first.script == second.script else "other"


def find_training_sets(transfer: Transfer) -> tuple[str, tuple[TrainingSet, ...], dict[str, str]]:
    """Return the task trained in most languages, its training sets, and why the other chains are left out."""
    tasks, known = tasks_of(transfer), languages_of(transfer)
    left_out: dict[str, str] = {}
    groups: dict[tuple[object, ...], list[TrainingSet]] = {}
    for name in transfer.intermediates:
        chain = read_plain_chain(transfer, name, tasks)
        if isinstance(chain, str):
            left_out[name] = chain
            continue
        labels = {(tasks[task].kind, tasks[task].labels) for task in chain.tasks}
        if len(labels) > 1 or (len(chain.tasks) > 1 and not tasks[chain.tasks[0]].labels):
            left_out[name] = "a mix of other tasks"
            continue
        codes = (each.language or tasks[each.task].own_language for each in chain.ingredients)
        languages = dict.fromkeys(_name_language(code, known) for code in codes)
        # Tasks with the same labels ask the same question; a task without labels is compared with itself only.
        key = next(iter(labels)) if tasks[chain.tasks[0]].labels else chain.tasks
        training_set = TrainingSet(chain=name, task="+".join(chain.tasks), languages=tuple(languages))
        groups.setdefault(key, []).append(training_set)
    largest = max(groups.values(), key=_count_languages, default=[])
    names = dict.fromkeys(each.task for each in largest)
    task = max(names, key=lambda name: _count_languages(largest, name), default="")
    sets = tuple(each for each in largest if each.task == task or each.languages != (ENGLISH,))
    left_sets = (each for sets_of_key in groups.values() for each in sets_of_key if each not in sets)
    return task, sets, left_out | {each.chain: "another task" for each in left_sets}


def _name_language(code: str, known: Collection[str]) -> str:
    """Return the name in the benchmark's table of a language that a chain writes otherwise: `ay` for `aym`."""
    name = canonical_code(code)
    return name if code not in known and name in known and name is not None else code


def _count_languages(sets: Sequence[TrainingSet], task: str | None = None) -> int:
    """Return the number of languages in which a task (or any of them) is trained."""
    return len({language for each in sets if task in (None, each.task) for language in each.languages})
