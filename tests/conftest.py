"""Shared by all tests: a tiny world to train in, and where real data lie if they are here."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may depend on a hub; the client reads it when it is imported

from tests.encoder_folders import write_encoder
from tests.hub_layout import Layout
from tests.s3_server import S3Server

os.environ.setdefault("RAY_worker_niceness", "0")  # beside other jobs Ray's own, 15, makes a sweep wait for ever
# An example may meet a busy machine. `--hypothesis-profile=default` tries twice as many.
settings.register_profile("any machine", deadline=None, max_examples=50)
settings.load_profile("any machine")
torch.set_num_threads(1)  # as in a trial; more are slower on tiny tensors


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data in the hub's layout that TRANSFER_SEARCH_DATA names."""
    return _folder("TRANSFER_SEARCH_DATA", "a folder of real data in the hub's layout")


@pytest.fixture(scope="session")
def real_encoder() -> Path:
    """The folder of a pretrained multilingual encoder that TRANSFER_SEARCH_ENCODER names."""
    return _folder("TRANSFER_SEARCH_ENCODER", "the folder of a pretrained multilingual encoder")


def _folder(variable: str, what: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set: it names {what}")
    folder = Path(os.environ[variable])
    if not folder.is_dir():  # a wrong name is no reason to skip
        raise NotADirectoryError(f"{variable}={folder}: there is no such folder")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a split in hub layout and returns the data folder."""
    return Layout(tmp_path / "hub").write


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A local S3 server."""
    server = S3Server.start()
    yield server
    server.stop()


@pytest.fixture
def locked_folder(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of folders that nobody may list, also not root."""
    scan = os.scandir

    def scan_unless_locked(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scan_unless_locked)
    return "locked"


@pytest.fixture(scope="session")
def written_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoders") / "encoder")


@pytest.fixture
def model(written_model: Path, tmp_path: Path) -> Path:
    """The folder of a small encoder with random weights."""
    return shutil.copytree(written_model, tmp_path / "encoder")
