"""The location of a split's rows: on the hub, or in a folder that is laid out like the hub.

In such a folder, `DIR/nyu-mll/glue` stands for the hub's `nyu-mll/glue`, with Parquet files as the hub has them:
`<config>/<split>-*.parquet`, `data/<split>-*.parquet` for the config `default`, or `<config>/<split>/*.parquet` as on
the hub's branch of converted files. With a folder, the hub is never asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spaces.dataset import HELD_OUT, DatasetSpec, SplitPart
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from trainables.data import hub_client
from trainables.data.row_languages import find_row_languages, language_column_of

DataSplit = Literal["train", "dev", "test", "pool"]

TRAINING_SPLITS: tuple[DataSplit, ...] = ("train", "dev")  # what training and selection read
LOCAL_CONFIG_PREFIX = "local_"  # of configs that only folders have
LOCAL_REPO_PREFIX = "local/"  # of repositories that only folders have


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLocation:
    """One split of one config of a repository.

    Its text is the repository, the config and the split, without the folder that stands for the hub.
    """

    dataset: str  # name in DATASETS
    repo_id: str
    config: str
    split: str
    folder: Path | None = None  # of the repository; None: the hub
    files: tuple[Path, ...] = ()
    portion: Literal["all", "head", "tail"] = "all"  # the tail may be held out of training, as English dev

    def __str__(self) -> str:
        return f"{self.repo_id} {self.config} {self.split}"

    @property
    def spec(self) -> DatasetSpec:
        """The columns, labels and languages of the dataset."""
        return DATASETS[self.dataset]

    @property
    def commit(self) -> str | None:
        """The commit on the hub at which the rows are read; raises UsageError if the hub cannot be reached."""
        branch = self.spec.revision if self.repo_id == self.spec.repo_id else None  # None: the main one
        return hub_client.resolve_commit(self.repo_id, branch)


@contextmanager
def prefix_errors(task: Task, location: SplitLocation) -> Iterator[None]:
    """Put the names of the task and of the location before the message of a UsageError raised inside."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{task.name}: {location}: {error}") from error


def parts_of(task: Task, split: DataSplit, language: str) -> tuple[SplitPart, ...]:
    """Return the parts that a split of the task is read from; empty if the task has no such split."""
    parts = TASK_SPLITS.find(task.clean_target or task.name)
    if parts.translated is not None and is_translated(task, split, language):
        return (parts.translated,)
    return {"train": parts.train, "dev": parts.dev, "test": parts.test, "pool": parts.pool}[split]


def is_translated(task: Task, split: DataSplit, language: str) -> bool:
    """Return True if the rows are a translation, row by row, of the training rows in the task's own language."""
    return (
        split == "train"
        and language != task.own_language
        and TASK_SPLITS.find(task.clean_target or task.name).translated is not None
    )


def list_split_languages(task: Task, split: DataSplit, language: str | None = None) -> tuple[str, ...]:
    """Return the languages in which a split is read, for a task trained in `language` (None: its own).

    A translation is read beside the rows that it translates.
    """
    if split == "train":
        trained = language or task.own_language
        return (task.own_language, trained) if is_translated(task, split, trained) else (trained,)
    is_foreign = split == "test" or (split == "dev" and task.kind == "retrieval")
    return task.test_languages if is_foreign else (ENGLISH,)


def locate_split(task: Task, split: DataSplit, language: str, data_dir: Path | None) -> tuple[SplitLocation, ...]:
    """Return the location of each part of a split in one language; empty if a part that the task needs is missing.

    Rows that are held out for English dev are left out of `train`. Raises UsageError for files that cannot be read, or
    if the hub cannot be reached.
    """
    located = [(part, locate_part(part, language, data_dir)) for part in parts_of(task, split, language)]
    if any(location is None and not part.is_optional for part, location in located):
        return ()
    locations = tuple(location for _, location in located if location is not None)
    if split != "train":
        return locations
    if is_translated(task, split, language):  # rows that are held out in one language are held out in all
        portions = {own.portion for own in locate_split(task, "train", task.own_language, data_dir)}
        return tuple(replace(each, portion="head" if "head" in portions else "all") for each in locations)
    dev = locate_split(task, "dev", language if task.kind == "mlm" else ENGLISH, data_dir)
    return tuple(replace(each, portion="head") if replace(each, portion="tail") in dev else each for each in locations)


def locate_part(part: SplitPart, language: str, data_dir: Path | None) -> SplitLocation | None:
    """Return the location of a part in one language; None if it is missing.

    Raises UsageError for files that cannot be read, or if the hub cannot be reached.
    """
    for name in part.splits:
        split = "train" if name == HELD_OUT else name
        for location in iter_candidates(DATASETS[part.dataset], split, language, data_dir):
            if _is_on_hub(location, part) if location.folder is None else _is_in_folder(location, language):
                return replace(location, portion="tail") if name == HELD_OUT else location
    return None if part.fallback is None else locate_part(part.fallback, language, data_dir)


def iter_candidates(dataset: DatasetSpec, split: str, language: str, data_dir: Path | None) -> Iterator[SplitLocation]:
    """Yield every location that a split may have, best first, existing or not."""
    code = dataset.code_of(language)
    if code is None:
        return
    for repo_id in (dataset.repo_id, *dataset.fallbacks):
        for template in dataset.configs:
            config = template.replace("{code}", code)
            location = SplitLocation(dataset=dataset.name, repo_id=repo_id, config=config, split=split)
            if data_dir is not None:
                folder = data_dir / repo_id
                for files in _iter_layouts(folder, config, split):
                    yield replace(location, folder=folder, files=files)
            elif not config.startswith(LOCAL_CONFIG_PREFIX) and not repo_id.startswith(LOCAL_REPO_PREFIX):
                yield location


def _iter_layouts(folder: Path, config: str, split: str) -> Iterator[tuple[Path, ...]]:
    """Yield the files of a split in each of the layouts that the hub knows."""
    yield _match_files(folder / config, f"{split}-*.parquet")
    yield _match_files(folder / config / split, "*.parquet")
    if config == "default":
        yield _match_files(folder / "data", f"{split}-*.parquet")


def _match_files(folder: Path, pattern: str) -> tuple[Path, ...]:
    try:
        return tuple(sorted(file for file in folder.iterdir() if file.match(pattern)))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:  # `glob` would silently return nothing
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def _is_in_folder(location: SplitLocation, language: str) -> bool:
    dataset = location.spec
    return bool(location.files) and (
        language_column_of(dataset) is None or language in find_row_languages(dataset, location.files)
    )


def _is_on_hub(location: SplitLocation, part: SplitPart) -> bool:
    """Return True if the hub has the config, and the split where the part could take another one."""
    repo_id, config, commit = location.repo_id, location.config, location.commit
    if commit is None or config not in hub_client.list_configs(repo_id, commit):
        return False
    has_no_alternative = len(part.splits) == 1 and not part.is_optional and part.fallback is None
    return has_no_alternative or location.split in hub_client.list_splits(repo_id, config, commit)
