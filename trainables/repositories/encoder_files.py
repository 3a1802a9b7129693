"""The files of an encoder on the hub: fetched whole for a run, or only looked at for `--plan` and `--check`."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spaces.errors import UsageError
from trainables.repositories.cache import cache_folder_of
from trainables.repositories.download import fetch_file
from trainables.repositories.hub import Hub
from trainables.repositories.remote_file import RemoteFile
from trainables.repositories.snapshot import MAIN_BRANCH, RepositoryFile, Snapshot

SMALL_SUFFIXES = (".json", ".txt", ".model", ".py")  # configuration, tokenizer; a program is seen, never executed
WEIGHTS_SUFFIXES = (".safetensors", ".bin")
_LENGTH_BYTES = 8  # at the start of a safetensors file: the length of its header


class AbsentEncoderError(UsageError):
    """The hub has no such repository, or no such commit of it."""


@dataclass(frozen=True, slots=True)
class EncoderFolder:
    """A folder with an encoder of the hub, and its files of weights with their SHA-256 (None: the hub does not say).

    Without `has_headers`, the weights are in a form that must be downloaded to be looked at.
    """

    folder: Path
    weights: Mapping[str, str | None]
    has_headers: bool = True


def fetch_encoder(hub: Hub, repo_id: str) -> EncoderFolder:
    """Return an encoder of the hub on this machine, at the sweep's commit.

    Raises UsageError if the hub has no such repository, or if a file cannot be had or is of another commit.
    """
    snapshot = _require_snapshot(hub, repo_id)
    for name in (*list_small_files(snapshot), *list_weight_names(snapshot)):
        fetch_file(snapshot, name)
    return EncoderFolder(cache_folder_of(snapshot), _hash_weights(snapshot))


def count_missing_bytes(hub: Hub, repo_id: str) -> int:
    """Return the bytes of an encoder that this machine's cache lacks."""
    snapshot = _require_snapshot(hub, repo_id)
    folder = cache_folder_of(snapshot)
    names = (*list_small_files(snapshot), *list_weight_names(snapshot))
    files = (snapshot.find_file(name) for name in names if not (folder / name).exists())
    return sum(file.size or 0 for file in files if file is not None)


def fetch_config(hub: Hub, repo_id: str) -> Path:
    """Return the configuration of an encoder of the hub on this machine, at the sweep's commit."""
    return fetch_file(_require_snapshot(hub, repo_id), "config.json")


def _require_snapshot(hub: Hub, model: str) -> Snapshot:
    """Return the repository of an id, at the commit that it may name after an `@`."""
    repo_id, _, commit = model.partition("@")
    snapshot = hub.find("model", repo_id, commit or MAIN_BRANCH)
    if snapshot is None:
        raise AbsentEncoderError(
            f"it is neither a folder nor on the hub ({model} is unknown there). "
            "Give a folder with config.json, weights and tokenizer, or the id of a model of the hub."
        )
    return snapshot


def list_small_files(snapshot: Snapshot) -> list[str]:
    """Return the files beside the weights; folders, such as `onnx/`, hold copies in other forms."""
    return [name for name in snapshot.list_folder("") if name.endswith(SMALL_SUFFIXES)]


def list_weight_names(snapshot: Snapshot) -> list[str]:
    """Return the files of weights in the form that `transformers` prefers, and none in another form."""
    names = snapshot.list_folder("")
    for suffix in WEIGHTS_SUFFIXES:
        stem = "model" if suffix == ".safetensors" else "pytorch_model"
        found = [name for name in names if name.startswith(stem) and name.endswith(suffix)]
        if found:
            return found
    return [name for name in names if name.endswith(WEIGHTS_SUFFIXES)]


def _hash_weights(snapshot: Snapshot) -> dict[str, str | None]:
    """Return the SHA-256 of the files of weights, as the hub lists them."""
    files = (snapshot.find_file(name) for name in list_weight_names(snapshot))
    return {file.name: file.content_id if file.is_large else None for file in files if file is not None}


@contextmanager
def look_at_encoder(hub: Hub, repo_id: str) -> Iterator[EncoderFolder]:
    """Look at an encoder of the hub: small files are downloaded; of the weights the headers alone are there."""
    snapshot = _require_snapshot(hub, repo_id)
    with tempfile.TemporaryDirectory(prefix="encoder-") as text:
        folder = Path(text)
        for name in list_small_files(snapshot):
            (folder / name).symlink_to(fetch_file(snapshot, name))
        files = [snapshot.list_folder("")[name] for name in list_weight_names(snapshot)]
        for file in files:
            if file.size is None:  # a mirror that does not say how large files are
                (folder / file.name).symlink_to(fetch_file(snapshot, file.name))
            else:
                _write_header(snapshot, file, folder / file.name)
        has_headers = all(file.name.endswith(".safetensors") for file in files)
        yield EncoderFolder(folder, _hash_weights(snapshot), has_headers)


def _write_header(snapshot: Snapshot, file: RepositoryFile, path: Path) -> None:
    """Write a file of the right length that holds the header alone, and takes no more space than that."""
    with path.open("wb") as target, RemoteFile(snapshot, file) as source:
        if file.name.endswith(".safetensors"):
            start = source.read(_LENGTH_BYTES)
            length = int.from_bytes(start, "little")
            is_header = len(start) == _LENGTH_BYTES and length + _LENGTH_BYTES <= (file.size or 0)
            target.write(start + (source.read(length) if is_header else b""))
        target.truncate(file.size)
