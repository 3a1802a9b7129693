"""Sweeps and Parquet files in object storage, copied here for as long as they are read."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from analysis.scores.record import read_record
from spaces.errors import UsageError, first_line_of
from spaces.sweep_record import SWEEP_FILE

if TYPE_CHECKING:
    from pyarrow import fs

DOWNLOAD_THREADS = 16  # downloads: small files spend their time waiting


@contextmanager
def fetch_results(places: Sequence[str], files: Sequence[str] = ("scores.parquet",)) -> Iterator[list[Path]]:
    """Local paths of the places. Those with an address (s3://...) are copies that last as long as the context.

    Of a sweep its record is copied, and of each of its stages those of `files` that are there. Raises UsageError for
    an address that cannot be read; errors about a copy speak of where it came from.
    """
    names: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="fetched-") as folder:
        try:
            yield [_fetch(place, Path(folder, str(i)), files, names) for i, place in enumerate(places)]
        except UsageError as error:
            raise UsageError(_restore_addresses(str(error), names)) from error


def _restore_addresses(text: str, names: dict[str, str]) -> str:
    for copy, place in names.items():
        text = text.replace(copy, place)
    return text


def _fetch(place: str, folder: Path, files: Sequence[str], names: dict[str, str]) -> Path:
    if "://" not in place:
        return Path(place)
    from pyarrow import ArrowInvalid, fs  # not needed for what lies here

    try:
        system, path = fs.FileSystem.from_uri(place)
        path = path.rstrip("/")
        copy = folder / "results" / PurePosixPath(path).name
        copy.parent.mkdir(parents=True)
        names[str(copy)] = place.partition("?")[0]
        if system.get_file_info(path).type == fs.FileType.File:
            _copy(system, {path: copy})
        elif system.get_file_info(f"{path}/{SWEEP_FILE}").type == fs.FileType.File:
            _copy_sweep(system, path, copy, files)
        else:
            raise UsageError(f"{place} is neither a file nor the folder of a sweep (it has no {SWEEP_FILE}).")
    except (ArrowInvalid, OSError) as error:
        raise UsageError(f"{place} cannot be read: {first_line_of(error)}") from error
    return copy


def _copy_sweep(system: "fs.FileSystem", path: str, copy: Path, files: Sequence[str]) -> None:
    copy.mkdir()
    _copy(system, {f"{path}/{SWEEP_FILE}": copy / SWEEP_FILE})
    from pyarrow import fs

    stages = read_record(copy / SWEEP_FILE)["stages"]
    results = str(PurePosixPath(path).parent)
    listed = system.get_file_info(fs.FileSelector(f"{results}/stages", recursive=True, allow_not_found=True))
    there = {info.path for info in listed if info.type == fs.FileType.File}
    wanted = {f"{results}/stages/{key}/{file}": copy.parent / "stages" / key / file for key in stages for file in files}
    _copy(system, {source: target for source, target in wanted.items() if source in there})


def _copy(system: "fs.FileSystem", copies: dict[str, Path]) -> None:
    from pyarrow import fs

    def one(source: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        fs.copy_files(source, str(target), source_filesystem=system)

    with ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:
        list(pool.map(one, copies.keys(), copies.values()))
