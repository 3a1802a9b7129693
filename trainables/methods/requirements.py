"""Requirements of methods on tasks and data, for planning. Heavy modules are imported only to read a file."""

from collections.abc import Iterable

from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.method import METHODS
from spaces.task import Task
from spaces.versions import NOT_INSTALLED, read_version
from trainables.data.task_data import DataSource

SYNONYMS = "synonyms"


def find_problems(source: DataSource, name: str, task: Task, language: str = ENGLISH) -> list[str]:
    """Return the reasons why a method cannot train a task on its rows in a language, a line each."""
    reason = METHODS.find(name).unsuited_kinds.get(task.kind)
    if reason is not None:
        return [f"{task.name}~{name}: {name} cannot train tasks of kind {task.kind}: {reason}."]
    if name != SYNONYMS:
        return []
    if language != ENGLISH:
        return [f"{task.name}@{language}~{name}: there are synonyms of English words only; train on English rows."]
    from trainables.methods import synonym_pairs

    try:
        synonym_pairs.read_synonyms(source)
    except UsageError as error:
        return [f"{task.name}~{name}: {error}"]
    return []


def list_packages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that methods need beside those of every sweep; raises UsageError for one that is missing."""
    packages = []
    for name in names:
        package = METHODS.find(name).package
        if package is not None and read_version(package) == NOT_INSTALLED:
            raise UsageError(
                f"the method {name} needs the package {package}, which is not installed: "
                f"pip install -c constraints.txt -e '.[{name}]', or leave out the chains with {name}."
            )
        packages += [] if package is None else [package]
    return tuple(dict.fromkeys(packages))


def compute_fingerprint(source: DataSource, name: str) -> str | None:
    """Return a hash of what a method reads beside the tasks' rows, or None; raises UsageError if it is missing."""
    if name != SYNONYMS:
        return None
    from trainables.methods import synonym_pairs

    return synonym_pairs.compute_fingerprint(source)
