"""The files of a split: where they may lie in a repository, in a folder that is laid out like the hub or on the hub.

In such a folder, `DIR/nyu-mll/glue` stands for the hub's `nyu-mll/glue`. A split lies in `<config>/<split>-*.parquet`,
`<config>/<split>.parquet` or `<config>/<split>/*.parquet`; for the config `default` also in `data/` and at the top. If
there is nothing, it lies where the dataset card declares it. A repository of the hub that holds a loading script, or
the split in another form, is read on the branch of converted files.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from spaces.xtreme_data import DATASETS
from trainables.data.dataset_card import find_card, list_declared_patterns
from trainables.repositories.cache import cache_folder_of
from trainables.repositories.hub import Hub
from trainables.repositories.questions import HubError
from trainables.repositories.snapshot import MAIN_BRANCH, RepositoryFile, Snapshot

Origin = Path | Hub  # a folder laid out like the hub, or the hub itself

LOCAL_CONFIG_PREFIX = "local_"  # of configs that only folders have
LOCAL_REPO_PREFIX = "local/"  # of repositories that only folders have
CONVERTED_BRANCH = "refs/convert/parquet"  # where the hub puts what it made of scripts and other forms
OTHER_FORM = re.compile(r"\.(jsonl?|csv|tsv|txt|arrow|feather|orc|xml|conllu?|zip|tar|parquet)(\.(gz|zst|bz2|xz|lz4))?")


class OtherFormError(UsageError):
    """A split that is there, but not as Parquet files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLocation:
    """One split of one config of a repository.

    Its text is the repository, the config and the split, without the folder that stands for the hub. On the hub,
    `folder` and `files` are where the cache of this machine has them once they are downloaded.
    """

    dataset: str  # name in DATASETS
    repo_id: str
    config: str
    split: str
    folder: Path  # of the repository
    files: tuple[Path, ...] = ()
    portion: Literal["all", "head", "tail"] = "all"  # the tail may be held out of training, as English dev
    snapshot: Snapshot | None = field(default=None, compare=False)  # on the hub: its commit is part of the folder

    def __str__(self) -> str:
        return f"{self.repo_id} {self.config} {self.split}"

    @property
    def spec(self) -> DatasetSpec:
        """The columns, labels and languages of the dataset."""
        return DATASETS[self.dataset]

    @property
    def remote_files(self) -> tuple[RepositoryFile, ...]:
        """The files as the hub lists them; empty in a folder."""
        if self.snapshot is None:
            return ()
        names = (path.relative_to(self.folder).as_posix() for path in self.files)
        return tuple(file for name in names if (file := self.snapshot.find_file(name)) is not None)

    @property
    def is_remote(self) -> bool:
        """True if some files are on the hub only."""
        return self.snapshot is not None and not all(file.exists() for file in self.files)


def iter_candidates(dataset: DatasetSpec, split: str, language: str, origin: Origin) -> Iterator[SplitLocation]:
    """Yield every location that a split may have, best first; one that does not exist has no files.

    Raises UsageError if the split is there in a form that is not read, and HubError if the hub cannot say what it has.
    """
    code = dataset.code_of(language)
    if code is None:
        return
    for repo_id in (dataset.repo_id, *dataset.fallbacks):
        for template in dataset.configs:
            config = template.replace("{code}", code)
            if isinstance(origin, Path):
                yield _search_folder(dataset, origin / repo_id, repo_id, config, split)
            elif not config.startswith(LOCAL_CONFIG_PREFIX) and not repo_id.startswith(LOCAL_REPO_PREFIX):
                yield from _search_hub(dataset, origin, repo_id, config, split)


def _search_folder(dataset: DatasetSpec, folder: Path, repo_id: str, config: str, split: str) -> SplitLocation:
    location = SplitLocation(dataset=dataset.name, repo_id=repo_id, config=config, split=split, folder=folder)
    names = {part: _list_names(folder / part) for part in _list_parts(config, split)}
    location = _with_files(location, names)
    if location.files or not folder.is_dir():
        return location
    return _find_declared(location, (path.relative_to(folder).as_posix() for path in folder.rglob("*.*")))


def _list_names(folder: Path) -> list[str]:
    try:
        return [file.name for file in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # `glob` would silently return nothing
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def _search_hub(dataset: DatasetSpec, hub: Hub, repo_id: str, config: str, split: str) -> Iterator[SplitLocation]:
    """Yield the location on the main branch, or the one among the files that the hub converted.

    It converts what a script loads, and files in another form. Where it has not, the error names main's files.
    """
    other_form: OtherFormError | None = None
    for branch in (MAIN_BRANCH, CONVERTED_BRANCH):
        snapshot = hub.find("dataset", repo_id, branch)
        if snapshot is None:
            break
        location = SplitLocation(
            dataset=dataset.name,
            repo_id=repo_id,
            config=config,
            split=split,
            folder=cache_folder_of(snapshot),
            snapshot=snapshot,
        )
        try:
            location = _search_snapshot(location, snapshot)
        except OtherFormError as error:
            if other_form is not None:
                raise
            other_form = error
            continue
        if other_form is not None and not location.files:
            break
        yield location
        if location.files or not has_loading_script(snapshot):
            return
    if other_form is not None:
        raise other_form


def _search_snapshot(location: SplitLocation, snapshot: Snapshot) -> SplitLocation:
    """Return the location with its files in a snapshot of its repository."""
    names = {part: list(snapshot.list_folder(part)) for part in _list_parts(location.config, location.split)}
    location = _with_files(location, names)
    if not location.files and snapshot.is_whole:
        location = _find_declared(location, (file.name for file in snapshot.files))
    if not location.files and not snapshot.is_whole:
        raise HubError(
            f"{location} is not in this machine's cache at commit {snapshot.commit}, and the hub is not asked. "
            f"Download it where there is a network: hf download {location.repo_id} --repo-type dataset."
        )
    return location


def has_loading_script(snapshot: Snapshot) -> bool:
    """Return True if a repository holds a program that would load its data. Nothing executes it."""
    return any(name.endswith(".py") for name in snapshot.list_folder(""))


def _list_parts(config: str, split: str) -> dict[str, tuple[str, ...]]:
    """Return the folders of a repository that may hold a split, with the patterns of its files there, best first."""
    named = (f"{split}-*.parquet", f"{split}.parquet")
    parts = {config: named, f"{config}/{split}": ("*.parquet",)}
    return parts | {"data": named, "": named} if config == "default" else parts


def _with_files(location: SplitLocation, names: dict[str, list[str]]) -> SplitLocation:
    """Return the location with the files of the first layout that has any."""
    parts = _list_parts(location.config, location.split)
    for part, patterns in parts.items():
        for pattern in patterns:
            found = sorted(name for name in names[part] if fnmatch.fnmatchcase(name, pattern))
            if found:
                return _place(location, part, found)
    for part in parts:
        for name in sorted(names[part]):
            if _is_in_other_form(name, None if part.endswith(f"/{location.split}") else location.split):
                raise _other_form_error(location, f"{part}/{name}")
    return location


def _place(location: SplitLocation, part: str, names: list[str]) -> SplitLocation:
    return replace(location, files=tuple(location.folder / part / name for name in names))


def _find_declared(location: SplitLocation, names: Iterable[str]) -> SplitLocation:
    """Return the location with the files that the dataset card declares, if there are any."""
    card = find_card(location.folder, location.snapshot)
    patterns = () if card is None else list_declared_patterns(card, location.config, location.split)
    if not patterns:
        return location
    declared = sorted(name for name in names if any(fnmatch.fnmatchcase(name, each) for each in patterns))
    other = next((name for name in declared if not name.endswith(".parquet")), None)
    if other is not None:
        raise _other_form_error(location, other)
    return _place(location, "", declared)


def _other_form_error(location: SplitLocation, name: str) -> OtherFormError:
    return OtherFormError(
        f"{location}: {name} is there, in a form that is not read. "
        f"Convert it to Parquet: {location.config}/{location.split}-00000-of-00001.parquet."
    )


def _is_in_other_form(name: str, split: str | None) -> bool:
    """Return True for a data file, of the split if one is named, that is not plain Parquet."""
    suffix = OTHER_FORM.search(name)
    if suffix is None or suffix.end() != len(name):
        return False
    return split is None or name[: suffix.start()] == split or re.match(rf"{re.escape(split)}[-._]\d", name) is not None
