"""Shared by all tests: a tiny world to train in, and where real data lie if they are here."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.hub_layout import Layout
from tests.s3_server import S3Server

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may depend on a hub
os.environ.setdefault("RAY_worker_niceness", "0")  # beside other jobs Ray's own, 15, makes a sweep wait for ever
torch.set_num_threads(1)  # as in a trial; more are slower on tiny tensors


@pytest.fixture(scope="session")
def real() -> Path:
    """A folder of real data in the hub's layout: TRANSFER_SEARCH_DATA, or shared/data/hub beside the checkout."""
    place = Path(os.environ.get("TRANSFER_SEARCH_DATA", ROOT.parent / "shared" / "data" / "hub"))
    if not place.is_dir():
        pytest.skip(f"no real data at {place} (set TRANSFER_SEARCH_DATA to a folder laid out like the hub)")
    return place


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
