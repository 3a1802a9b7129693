"""Where results lie on this disk, for tests that look at files."""

from pathlib import Path

from trainables.record.context import StageContext
from trainables.storage.local_storage import LocalStorage


def folder_of(place: StageContext, key: str) -> Path:
    """The folder of a stage."""
    assert isinstance(place.results, LocalStorage)
    return place.results.root / "stages" / key
