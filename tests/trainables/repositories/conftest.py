"""A hub with one dataset, for tests of repositories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback_hub import LoopbackHub, use_hub
from trainables.repositories.download import fetch_file
from trainables.repositories.hub import Hub

REPO = "org/data"
ROWS = "en/train-00000-of-00001.parquet"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with one dataset."""
    server = LoopbackHub()
    server.dataset(REPO).commit({ROWS: b"first rows" * 100, "README.md": b"a card"})
    use_hub(server, tmp_path / "cache", monkeypatch)
    yield server
    server.stop()


def fetch(hub: Hub, name: str = ROWS) -> bytes:
    snapshot = hub.find("dataset", REPO)
    assert snapshot is not None
    return fetch_file(snapshot, name).read_bytes()
