"""Sweeps and Parquet files in object storage, copied to this machine while they are read."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from analysis.scores.record import SCORES_FILE, read_record, stages_folder_of
from spaces.errors import UsageError, first_line_of
from spaces.sweep_record import SWEEP_FILE

if TYPE_CHECKING:
    from pyarrow import fs

DOWNLOAD_THREADS = 16  # downloads at a time: small files are mostly waiting


@contextmanager
def fetch_results(addresses: Sequence[str], stage_files: Sequence[str] = (SCORES_FILE,)) -> Iterator[list[Path]]:
    """Return local paths for the addresses. Those in object storage (s3://...) are copied for the context's duration.

    Of a sweep its record is copied, and those of `stage_files` that each of its stages has. Errors about a copy name
    its address. Raise UsageError if an address cannot be read.
    """
    if not any("://" in address for address in addresses):  # no temporary folder is needed
        yield [Path(address) for address in addresses]
        return
    copies: dict[str, str] = {}  # local path -> address
    with tempfile.TemporaryDirectory(prefix="fetched-") as folder:
        try:
            yield [_fetch(address, Path(folder, str(i)), stage_files, copies) for i, address in enumerate(addresses)]
        except UsageError as error:
            message = str(error)
            for copy, address in copies.items():
                message = message.replace(copy, address)
            raise UsageError(message) from error


def _fetch(address: str, folder: Path, stage_files: Sequence[str], copies: dict[str, str]) -> Path:
    if "://" not in address:
        return Path(address)
    from pyarrow import ArrowInvalid, fs  # not needed for local paths

    try:
        system, path = fs.FileSystem.from_uri(address)
        path = path.rstrip("/")
        copy = folder / "results" / PurePosixPath(path).name
        copy.parent.mkdir(parents=True)
        copies[str(copy)] = address.partition("?")[0]
        if system.get_file_info(path).type == fs.FileType.File:
            _copy(system, {path: copy})
        elif system.get_file_info(f"{path}/{SWEEP_FILE}").type == fs.FileType.File:
            _copy_sweep(system, path, copy, stage_files)
        else:
            raise UsageError(f"{address} is neither a file nor a sweep folder (it has no {SWEEP_FILE}).")
    except (ArrowInvalid, OSError) as error:
        raise UsageError(f"{address} cannot be read: {first_line_of(error)}") from error
    return copy


def _copy_sweep(system: "fs.FileSystem", path: str, copy: Path, stage_files: Sequence[str]) -> None:
    from pyarrow import fs

    copy.mkdir()
    _copy(system, {f"{path}/{SWEEP_FILE}": copy / SWEEP_FILE})
    keys = read_record(copy / SWEEP_FILE)["stages"]
    results = str(PurePosixPath(path).parent)
    listing = system.get_file_info(fs.FileSelector(f"{results}/stages", recursive=True, allow_not_found=True))
    existing = {info.path for info in listing if info.type == fs.FileType.File}
    names = (f"stages/{key}/{file}" for key in keys for file in stage_files)
    _copy(system, {source: copy.parent / name for name in names if (source := f"{results}/{name}") in existing})


def copy_stage_folder(sweep: str, stage: str, name: str, target: Path, *, leave_out: Collection[str]) -> bool:
    """Copy the files of a folder that a stage left into the folder `target`; return False if there is no such folder.

    `sweep` is the path or the address of the sweep. Raise UsageError if the address cannot be read.
    """
    if "://" not in sweep:
        source = stages_folder_of(Path(sweep)) / stage / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*leave_out), dirs_exist_ok=True)
        return source.is_dir()
    from pyarrow import ArrowInvalid, fs

    try:
        system, path = fs.FileSystem.from_uri(sweep)
        folder = f"{PurePosixPath(path.rstrip('/')).parent}/stages/{stage}/{name}"
        listing = system.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        files = [info.path for info in listing if info.type == fs.FileType.File and info.base_name not in leave_out]
        _copy(system, {file: target / PurePosixPath(file).name for file in files})
    except (ArrowInvalid, OSError) as error:
        raise UsageError(f"{sweep} cannot be read: {first_line_of(error)}") from error
    return bool(files)


def read_stage_file(sweep: str, stage: str, name: str) -> bytes | None:
    """Return the content of a file that a stage left, of a sweep as in `copy_stage_folder`; None if there is none."""
    if "://" not in sweep:
        file = stages_folder_of(Path(sweep)) / stage / name
        return file.read_bytes() if file.is_file() else None
    from pyarrow import ArrowInvalid, fs

    try:
        system, path = fs.FileSystem.from_uri(sweep)
        with system.open_input_stream(f"{PurePosixPath(path.rstrip('/')).parent}/stages/{stage}/{name}") as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        return None
    except (ArrowInvalid, OSError) as error:
        raise UsageError(f"{sweep} cannot be read: {first_line_of(error)}") from error


def _copy(system: "fs.FileSystem", copies: dict[str, Path]) -> None:
    from pyarrow import fs

    def copy_file(source: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        fs.copy_files(source, str(target), source_filesystem=system)

    with ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:
        list(pool.map(copy_file, copies.keys(), copies.values()))
