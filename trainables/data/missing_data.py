"""Messages about rows that a task needs and that are missing: where they should be, and how to get them."""

from pathlib import Path

from spaces.dataset import HELD_OUT, SplitPart
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import locate, row_languages
from trainables.data.locate import DataSplit, SplitLocation


def describe_missing(task: Task, split: DataSplit, language: str, data_dir: Path | None) -> list[str]:
    """Return a line for each missing part of a split that the task cannot do without; raises errors of `locate`."""
    return [
        f"{task.name}: no {split} rows in {language!r}: {_advise(part, language, data_dir)}, or leave {task.name} out."
        for part in locate.parts_of(task, split, language)
        if not part.is_optional and locate.locate_part(part, language, data_dir) is None
    ]


def _advise(part: SplitPart, language: str, data_dir: Path | None) -> str:
    """Advise on the dataset that would have the language, among those that the part may be read from."""
    dataset = DATASETS[part.dataset]
    split = "train" if part.splits[0] == HELD_OUT else part.splits[0]
    locations = list(locate.iter_candidates(dataset, split, language, data_dir))
    existing = next((location for location in locations if location.files), None)
    if existing is not None:
        return _describe_languages(existing)
    if part.fallback is not None and dataset.code_of(language) is None:
        return _advise(part.fallback, language, data_dir)
    if dataset.how_to_obtain:
        return f"{dataset.how_to_obtain}; {_advise_folder(locations, split)}"
    if not locations:
        return f"{dataset.repo_id} has no language {language!r}"
    folder = locations[0].folder
    if folder is None:
        return f"{dataset.repo_id} on the hub lacks them, or has only a loading script; give a folder with --data DIR"
    advice = f"put Parquet files at {folder}/{locations[-1].config}/{split}-*.parquet"
    if list(folder.glob("*.py")):
        advice += " (the folder has a loading script, which `datasets` refuses: get the branch refs/convert/parquet)"
    return advice


def _describe_languages(location: SplitLocation) -> str:
    """Say which languages a location has, where a column names the language of each row."""
    counts = row_languages.count_rows_by_language(location.spec, location.files)
    codes = ", ".join(code or "nothing" for code in sorted(counts)[:5])
    column = row_languages.language_column_of(location.spec)
    return f"{location} has none: its column {column} says {codes}; get all of its rows"


def _advise_folder(locations: list[SplitLocation], split: str) -> str:
    if not locations or locations[0].folder is None:
        return "give the folder that has it with --data DIR"
    return f"put it at {locations[0].folder}/{locations[0].config}/{split}-00000-of-00001.parquet"
