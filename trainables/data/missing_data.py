"""What to say of rows that a task needs and that are not there: where they should be, and how to get them."""

from pathlib import Path

from spaces.dataset import HELD_OUT, SplitPart
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import locate, parquet_files
from trainables.data.locate import DataSplit, SplitLocation


def describe_missing(task: Task, split: DataSplit, language: str, data: Path | None) -> list[str]:
    """One line for each part of a split that the task cannot do without and that is not there."""
    lacking = [
        part
        for part in locate.parts_of(task, split, language)
        if not part.is_optional and locate.locate_part(part, language, data) is None
    ]
    return [
        f"{task.name}: no {split} rows in {language!r}: {_advise(part, language, data)}, or leave {task.name} out."
        for part in lacking
    ]


def _advise(part: SplitPart, language: str, data: Path | None) -> str:
    """What to do about a part: about the dataset that would have the language, of those that it may be read from."""
    dataset = DATASETS[part.dataset]
    split = "train" if part.splits[0] == HELD_OUT else part.splits[0]
    places = list(locate.iter_candidates(dataset, split, language, data))
    lying = next((place for place in places if place.files), None)
    if lying is not None:
        return _describe_languages(lying)
    if part.fallback is not None and dataset.code_of(language) is None:
        return _advise(part.fallback, language, data)
    if dataset.how_to_obtain:
        return f"{dataset.how_to_obtain}; {_advise_folder(places, split, data)}"
    if not places:
        return f"{dataset.repo_id} has no language {language!r}"
    if data is None:
        return f"{dataset.repo_id} on the hub lacks it or holds a loading script; give a folder by --data DIR"
    advice = f"put {places[0].folder}/{places[-1].config}/{split}-*.parquet there"
    if places[0].folder is not None and list(places[0].folder.glob("*.py")):
        advice += " (a loading script is there, which `datasets` refuses: get the branch refs/convert/parquet)"
    return advice


def _describe_languages(place: SplitLocation) -> str:
    """A place that is there and tells the language of each row: which it has."""
    held = locate.count_rows_by_language(place, parquet_files.read_stamps(place.files))
    some = ", ".join(code or "nothing" for code in sorted(held)[:5])
    column = locate.language_column_of(DATASETS[place.dataset])
    return f"{place} is there and has none: the column {column} says {some}; get all its rows"


def _advise_folder(places: list[SplitLocation], split: str, data: Path | None) -> str:
    if data is None:
        return "give the folder that has it by --data DIR"
    return f"put it at {places[0].folder}/{places[0].config}/{split}-00000-of-00001.parquet"
