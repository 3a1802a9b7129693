"""Paths of results on this disk, for tests that look at files."""

from pathlib import Path

from trainables.record.context import StageContext
from trainables.storage.local_storage import LocalStorage


def folder_of(context: StageContext, key: str) -> Path:
    """Return the folder of a stage."""
    assert isinstance(context.results, LocalStorage)
    return context.results.root / "stages" / key
