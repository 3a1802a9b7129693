"""What a method needs of tasks and data, for those who plan: nothing heavy is imported unless a file has to be read."""

from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Task
from trainables.data.task_data import DataSource

SYNONYMS = "synonyms"


def find_problems(source: DataSource, name: str, task: Task, language: str = "en") -> list[str]:
    """Why a method cannot train a task on its rows in a language, a line each."""
    reason = METHODS.find(name).unsuited_kinds.get(task.kind)
    if reason is not None:
        return [f"{task.name}~{name}: the method has no meaning for tasks of the kind {task.kind}: {reason}."]
    if name != SYNONYMS:
        return []
    if language != "en":
        return [f"{task.name}@{language}~{name}: synonyms are known for English words only; train on English rows."]
    from trainables.methods import synonym_pairs

    try:
        synonym_pairs.read_synonyms(source)
    except UsageError as error:
        return [f"{task.name}~{name}: {error}"]
    return []


def compute_fingerprint(source: DataSource, name: str) -> str | None:
    """A hash of what a method reads beside the tasks' rows, None if nothing; raises UsageError if it is not there."""
    if name != SYNONYMS:
        return None
    from trainables.methods import synonym_pairs

    return synonym_pairs.compute_fingerprint(source)
