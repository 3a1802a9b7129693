"""Messages about rows that a task needs and that are missing: where they should be, and how to get them."""

from spaces.dataset import HELD_OUT, DatasetSpec, SplitPart
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import locate, row_languages
from trainables.data.locate import DataSplit
from trainables.data.split_files import Origin, SplitLocation, has_loading_script, iter_candidates
from trainables.repositories.hub import Hub


def describe_missing(task: Task, split: DataSplit, language: str, origin: Origin) -> list[str]:
    """Return a line for each missing part of a split that the task cannot do without; raises errors of `locate`."""
    return [
        f"{task.name}: no {split} rows in {language!r}: {_advise(part, language, origin)}, or leave {task.name} out."
        for part in locate.parts_of(task, split, language)
        if not part.is_optional and locate.locate_part(part, language, origin) is None
    ]


def _advise(part: SplitPart, language: str, origin: Origin) -> str:
    """Advise on the dataset that would have the language, among those that the part may be read from."""
    dataset = DATASETS[part.dataset]
    split = "train" if part.splits[0] == HELD_OUT else part.splits[0]
    locations = list(iter_candidates(dataset, split, language, origin))
    existing = next((location for location in locations if location.files), None)
    if existing is not None:
        return _describe_languages(existing)
    if part.fallback is not None and dataset.code_of(language) is None:
        return _advise(part.fallback, language, origin)
    if dataset.how_to_obtain:
        return f"{dataset.how_to_obtain}; {_advise_folder(locations, split, origin)}"
    if dataset.code_of(language) is None:
        return f"{dataset.repo_id} has no language {language!r}"
    if isinstance(origin, Hub):
        return f"{_describe_repository(dataset, locations, split)}; give a folder with --data DIR"
    folder = locations[0].folder
    advice = f"put Parquet files at {folder}/{locations[-1].config}/{split}-*.parquet"
    if list(folder.glob("*.py")):
        advice += " (the folder has a loading script, which is not executed: get the branch refs/convert/parquet)"
    return advice


def _describe_repository(dataset: DatasetSpec, locations: list[SplitLocation], split: str) -> str:
    """Say what the hub has instead of the rows."""
    snapshots = [location.snapshot for location in locations if location.snapshot is not None]
    if not snapshots:
        return f"the hub has no repository {dataset.repo_id}"
    if has_loading_script(snapshots[-1]):
        return f"{dataset.repo_id} has only a loading script, which is not executed"
    return f"{snapshots[-1]} has no {locations[-1].config}/{split}-*.parquet at commit {snapshots[-1].commit}"


def _describe_languages(location: SplitLocation) -> str:
    """Say which languages a location has, where a column names the language of each row."""
    counts = row_languages.count_rows_by_language(location.spec, location.files)
    codes = ", ".join(code or "nothing" for code in sorted(counts)[:5])
    column = row_languages.language_column_of(location.spec)
    return f"{location} has none: its column {column} says {codes}; get all of its rows"


def _advise_folder(locations: list[SplitLocation], split: str, origin: Origin) -> str:
    if isinstance(origin, Hub) or not locations:
        return "give the folder that has it with --data DIR"
    return f"put it at {locations[0].folder}/{locations[0].config}/{split}-00000-of-00001.parquet"
