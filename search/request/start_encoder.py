"""The encoder at the start of every chain: the miniature's own, or a given one, which is known by its contents."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from search.request.options import RunOptions
from spaces import encoders
from spaces.benchmark import Benchmark
from spaces.encoders import MINIATURE_PRETRAINING
from spaces.errors import UsageError
from spaces.plan import StartEncoder
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.repositories.questions import HubError

if TYPE_CHECKING:
    from trainables.repositories.hub import Hub

TOKENIZER_FILES = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")


def resolve_start(
    options: RunOptions, benchmark: Benchmark, source: DataSource, profile: str, *, longest: int
) -> StartEncoder:
    """Return the encoder that the flags name. Raise UsageError for one that is missing or is not what it claims.

    `longest` is the length of the longest input of the sweep, in sub-tokens.

    A plan or a check of a hub id downloads its small files and the headers of its weights.
    """
    if benchmark.name == "miniature":
        return StartEncoder(
            name="miniature",
            profile=profile,
            recipe=dataclasses.asdict(MINIATURE_PRETRAINING),
            data=task_data.compute_fingerprint(source, next(iter(benchmark.targets.values()))),
        )
    model = options.model or encoders.DEFAULT_ENCODER
    # A folder is known by its own name and its contents. Its path is no part of any key.
    name = Path(model).resolve().name if Path(model).is_dir() else model
    return StartEncoder(name=name, profile=profile, fingerprint=fingerprint_model(model, longest, source.hub))


def resolve_model(options: RunOptions) -> str:
    """Return the hub id or the absolute folder that workers load the given encoder from."""
    model = options.model or encoders.DEFAULT_ENCODER
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def fingerprint_model(model: str, longest: int = 1, hub: "Hub | None" = None) -> str | None:
    """Return a hash of the contents of an encoder's files, in a folder or on the hub.

    It is None in a plan or a check of weights that would have to be downloaded. Raises UsageError for an encoder that
    is missing, or that is not what it claims (see `check_encoder`).
    """
    folder = Path(model)
    if folder.exists():
        _check_folder(model, folder, longest)
        return _fingerprint_folder(folder)
    if hub is None or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UsageError(f"--model {model}: there is no such folder.")
    try:
        return _fingerprint_repository(model, longest, hub)
    except HubError as error:
        raise HubError(f"--model {error}") from error


def _fingerprint_repository(model: str, longest: int, hub: "Hub") -> str | None:
    from trainables.repositories.encoder_files import fetch_encoder, look_at_encoder

    if hub.downloads:
        folder = fetch_encoder(hub, model)
        _check_folder(model, folder, longest)
        return _fingerprint_folder(folder)
    with look_at_encoder(hub, model) as look:
        if not look.has_headers:
            hub.notes.append(f"{model}: its weights are no safetensors files, and are checked when the sweep starts.")
            return None
        _check_folder(model, look.folder, longest)
        return _fingerprint_folder(look.folder, look.content_ids)


def _check_folder(model: str, folder: Path, longest: int) -> None:
    """Raise UsageError for a folder that is not the encoder that its configuration claims."""
    from trainables.models.encoder_check import check_encoder  # takes seconds; the miniature does without
    from trainables.models.weight_files import RefusedEncoderError, list_weight_files

    try:
        if not (folder / "config.json").is_file():
            raise RefusedEncoderError("the folder has no config.json. Save both model and tokenizer there.")
        list_weight_files(folder)
        if not any((folder / name).is_file() for name in TOKENIZER_FILES):
            raise RefusedEncoderError(
                "the folder has no tokenizer (tokenizer.json). Save both model and tokenizer there."
            )
        check_encoder(folder, longest)
    except RefusedEncoderError as error:
        raise UsageError(f"--model {model}: {error}") from error


def _fingerprint_folder(folder: Path, known: Mapping[str, str] | None = None) -> str:
    """Return a hash of the files of a whole encoder; of `known` files the SHA-256 is given."""
    weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
    digest = hashlib.sha256()
    for path in [folder / "config.json", *weights, *(folder / name for name in TOKENIZER_FILES)]:
        if known and path.name in known:
            digest.update(bytes.fromhex(known[path.name]))
        elif path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
