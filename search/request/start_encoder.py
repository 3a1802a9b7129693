"""The encoder at the start of every chain: the miniature's own, or a given one, which is known by its contents."""

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.request.options import RunOptions
from spaces import encoders
from spaces.benchmark import Benchmark
from spaces.encoders import MINIATURE_PRETRAINING
from spaces.errors import UsageError
from spaces.plan import StartEncoder
from spaces.task import Task, TaskKind
from trainables.data import task_data
from trainables.data.task_data import DataSource

if TYPE_CHECKING:
    from trainables.models.tokenizer_check import EncoderFacts

TOKENIZER_FILES = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")  # those that a fingerprint hashes


@dataclass(frozen=True, slots=True)
class EncoderUse:
    """What a sweep does with its encoder: the longest input, in sub-tokens, and the kinds of its tasks."""

    longest: int = 1
    kinds: frozenset[TaskKind] = frozenset()


def find_use(tasks: Iterable[Task]) -> EncoderUse:
    """Return the use that a sweep with these tasks makes of its encoder."""
    tasks = list(tasks)
    lengths = (task.recipe.max_length for task in tasks if task.recipe is not None)
    return EncoderUse(max(lengths, default=1), frozenset(task.kind for task in tasks))


def resolve_start(
    options: RunOptions, benchmark: Benchmark, source: DataSource, profile: str, *, use: EncoderUse
) -> StartEncoder:
    """Return the encoder that the flags name. Raise UsageError for one that is missing or is not what it claims.

    A plan or a check of a hub id downloads nothing: the encoder then has no fingerprint.
    """
    if benchmark.name == "miniature":
        return StartEncoder(
            name="miniature",
            profile=profile,
            recipe=dataclasses.asdict(MINIATURE_PRETRAINING),
            data=task_data.compute_fingerprint(source, next(iter(benchmark.targets.values()))),
        )
    model = options.model or encoders.DEFAULT_ENCODER
    if options.is_dry_run and not Path(model).exists():
        return StartEncoder(name=model, profile=profile)
    # A folder is known by its own name and its contents. Its path is no part of any key.
    name = Path(model).resolve().name if Path(model).is_dir() else model
    fingerprint, facts = inspect_model(model, use)
    return StartEncoder(
        name=name, profile=profile, fingerprint=fingerprint, notes=facts.notes, has_new_head=facts.has_new_head
    )


def find_model_problems(start: StartEncoder) -> list[str]:
    """Return one line for a hub id that the hub does not have; none for an encoder that was looked at already."""
    if start.recipe is not None or start.fingerprint is not None:
        return []
    try:
        from huggingface_hub import HfApi

        HfApi().model_info(start.name)
    except Exception as error:  # the hub's client has many errors; all mean that the encoder is not available
        return [_format_unavailable_model(start.name, error)]
    return []


def _format_unavailable_model(model: str, error: Exception) -> str:
    return (
        f"--model {model}: it is neither a folder nor available from the hub ({type(error).__name__}). "
        "Give a folder with config.json, weights and tokenizer."
    )


def resolve_model(options: RunOptions) -> str:
    """Return the hub id or the absolute folder that workers load the given encoder from."""
    model = options.model or encoders.DEFAULT_ENCODER
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def inspect_model(model: str, use: EncoderUse) -> tuple[str, "EncoderFacts"]:
    """Return the fingerprint of a folder or a hub id, and what must be known of the encoder.

    The fingerprint is a hash of the folder, or the commit, and what these do not say: what the tokenizer does, if other
    files than `tokenizer.json` change it, and marks for another use than in former versions. Raises UsageError for an
    encoder that is missing, or that is not what it claims (see `check_encoder`).
    """
    folder = Path(model)
    if folder.exists():
        facts = _check_folder(model, folder, use)
        fingerprint = "+".join(filter(None, [_fingerprint_folder(folder), facts.rules]))
    else:
        path = _download(model)
        facts = _check_folder(model, path, use)
        fingerprint = path.name  # the commit
    return "+".join((fingerprint, *facts.marks)), facts


def _download(model: str) -> Path:
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UsageError(f"--model {model}: there is no such folder.")
    try:
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"]))
        if not any(folder.glob("*.safetensors")):
            snapshot_download(model, revision=folder.name, allow_patterns=["pytorch_model*.bin"])
        return folder
    except Exception as error:  # the hub's client has many errors; all mean that the encoder is not available
        raise UsageError(_format_unavailable_model(model, error)) from error


def _check_folder(model: str, folder: Path, use: EncoderUse) -> "EncoderFacts":
    """Return how a folder is used. Raise UsageError if it is not the encoder that its configuration claims."""
    from trainables.models.encoder_check import check_encoder  # takes seconds; the miniature does without
    from trainables.models.weight_files import RefusedEncoderError, list_weight_files

    try:
        if not (folder / "config.json").is_file():
            raise RefusedEncoderError("the folder has no config.json. Save both model and tokenizer there.")
        list_weight_files(folder)
        return check_encoder(folder, use.longest, use.kinds)
    except RefusedEncoderError as error:
        raise UsageError(f"--model {model}: {error}") from error


def _fingerprint_folder(folder: Path) -> str:
    """Return a hash of the files of a whole encoder."""
    weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
    digest = hashlib.sha256()
    for path in [folder / "config.json", *weights, *(folder / name for name in TOKENIZER_FILES)]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
