"""The card of a dataset (README.md): names of labels, and files that lie elsewhere than usual.

Functions raise UsageError for a card that cannot be read.
"""

import functools
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
from datasets.info import DatasetInfosDict

from spaces.errors import UsageError, first_line_of
from trainables.repositories.download import fetch_file
from trainables.repositories.snapshot import Snapshot

CARD = "README.md"


def find_card(folder: Path, snapshot: Snapshot | None) -> Path | None:
    """Return the card of a folder, or of a repository of the hub, fetched if need be; None if there is none."""
    if snapshot is not None:
        return None if snapshot.find_file(CARD) is None else fetch_file(snapshot, CARD)
    return folder / CARD if (folder / CARD).is_file() else None


def read_features(card: Path, config: str) -> datasets.Features:
    """Return the columns of a config as the card describes them; empty if it does not."""
    try:
        info = DatasetInfosDict.from_directory(str(card.parent)).get(config)
    except Exception as error:  # YAML, encoding, permission, or unknown types
        raise _unreadable_error(card, error) from error
    return datasets.Features() if info is None or info.features is None else info.features


def list_declared_patterns(card: Path, config: str, split: str) -> tuple[str, ...]:
    """Return the patterns of a split's files that the card declares; files without a split are for training."""
    for declared in _read_configs(card, card.stat().st_mtime_ns):
        if declared.get("config_name", "default") == config:
            entries = _list(declared.get("data_files"))
            parts = [each for each in entries if isinstance(each, dict) and str(each.get("split", "train")) == split]
            plain = [each for each in entries if isinstance(each, str) and split == "train"]
            return tuple(map(str, (*plain, *(path for part in parts for path in _list(part.get("path"))))))
    return ()


@functools.lru_cache(maxsize=64)
def _read_configs(card: Path, changed: int) -> tuple[dict[str, Any], ...]:
    try:
        metadata = huggingface_hub.metadata_load(card) or {}
    except Exception as error:  # YAML, encoding, permission
        raise _unreadable_error(card, error) from error
    return tuple(config for config in _list(metadata.get("configs")) if isinstance(config, dict))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unreadable_error(card: Path, error: Exception) -> UsageError:
    return UsageError(f"the dataset card {card} cannot be read: {first_line_of(error)}. Get the card again.")
