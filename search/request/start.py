"""The encoder at the start of every chain: the miniature's own, or one that is given, known by what it holds."""

import dataclasses
import hashlib
from argparse import Namespace
from pathlib import Path

from spaces import encoders
from spaces.benchmark import Benchmark
from spaces.encoders import MINIATURE_PRETRAINING
from spaces.errors import UsageError
from spaces.plan import Start
from trainables.data import data
from trainables.data.data import Source


def start_of(options: Namespace, benchmark: Benchmark, source: Source, profile: str) -> Start:
    """What the flags say; raises UsageError for an encoder that is not there or not whole."""
    if benchmark.name == "miniature":
        return Start(
            name="miniature",
            profile=profile,
            recipe=dataclasses.asdict(MINIATURE_PRETRAINING),
            data=data.fingerprint(source, next(iter(benchmark.targets.values()))),
        )
    model = options.model or encoders.DEFAULT
    if (options.plan or options.check) and not Path(model).exists():
        return Start(name=model, profile=profile)
    # A folder is known by its own name and its contents; where it lies is no part of any key.
    name = Path(model).resolve().name if Path(model).is_dir() else model
    return Start(name=name, profile=profile, fingerprint=model_fingerprint(model))


def model_problems(start: Start) -> list[str]:
    """What is wrong with a given encoder that was only named so far: a hub id that the hub does not have."""
    if start.recipe is not None or start.fingerprint is not None:
        return []
    try:
        from huggingface_hub import HfApi

        HfApi().model_info(start.name)
    except Exception as error:  # the hub's client has many; all mean that the encoder is not to be had
        return [_not_to_be_had(start.name, error)]
    return []


def _not_to_be_had(model: str, error: Exception) -> str:
    return (
        f"--model {model}: it is neither a folder nor to be had from the hub ({type(error).__name__}). "
        "Give a folder with config.json, weights and tokenizer."
    )


def model_place(options: Namespace) -> str:
    """The hub id or the folder that workers load the given encoder from."""
    model: str = options.model or encoders.DEFAULT
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def model_fingerprint(model: str) -> str:
    """A hash of a folder's weights, tokenizer and configuration, or the revision of a hub id.

    Raises UsageError for a folder without weights or tokenizer, and for an id that is neither here nor on the hub.
    """
    folder = Path(model)
    if folder.exists():
        return _folder_fingerprint(folder)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UsageError(f"--model {model}: there is no such folder.")
    try:
        from huggingface_hub import snapshot_download

        path = snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"])
    except Exception as error:  # the hub's client has many; all mean that the encoder is not to be had
        raise UsageError(_not_to_be_had(model, error)) from error
    return Path(path).name  # the commit


def _folder_fingerprint(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
    tokenizer = [folder / name for name in ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")]
    for what, there in (
        ("config.json", (folder / "config.json").is_file()),
        ("weights (model.safetensors)", bool(weights)),
        ("tokenizer (tokenizer.json)", any(path.is_file() for path in tokenizer)),
    ):
        if not there:
            raise UsageError(f"--model {folder}: the folder has no {what}; save both model and tokenizer there.")
    digest = hashlib.sha256()
    for path in [folder / "config.json", *weights, *tokenizer]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
