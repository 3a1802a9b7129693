"""The encoder at the start of every chain: the miniature's own, or a given one, which is known by its contents."""

import dataclasses
import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.request.options import RunOptions
from spaces import encoders
from spaces.benchmark import Benchmark
from spaces.encoders import MINIATURE_PRETRAINING
from spaces.errors import UsageError
from spaces.method import LORA
from spaces.plan import StartEncoder
from spaces.task import Task, TaskKind
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.repositories.questions import HubError

if TYPE_CHECKING:
    from trainables.models.tokenizer_check import EncoderFacts
    from trainables.repositories.hub import Hub

CONFIG_FILE = "config.json"
TOKENIZER_FILES = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")  # those that a fingerprint hashes


@dataclass(frozen=True, slots=True)
class EncoderUse:
    """What a sweep does with its encoder: the longest input, in sub-tokens, the kinds of its tasks, adapters (LoRA)."""

    longest: int = 1
    kinds: frozenset[TaskKind] = frozenset()
    has_adapters: bool = False


def find_use(tasks: Iterable[Task], methods: Iterable[str] = ()) -> EncoderUse:
    """Return the use that a sweep with these tasks and methods makes of its encoder."""
    tasks = list(tasks)
    lengths = (task.recipe.max_length for task in tasks if task.recipe is not None)
    return EncoderUse(max(lengths, default=1), frozenset(task.kind for task in tasks), LORA in methods)


def resolve_start(
    options: RunOptions, benchmark: Benchmark, source: DataSource, profile: str, *, use: EncoderUse
) -> StartEncoder:
    """Return the encoder that the flags name. Raise UsageError for one that is missing or is not what it claims.

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
    fingerprint, facts = inspect_model(model, use, source.hub)
    return StartEncoder(
        name=name, profile=profile, fingerprint=fingerprint, notes=facts.notes, has_new_head=facts.has_new_head
    )


def resolve_model(options: RunOptions) -> str:
    """Return the hub id or the absolute folder that workers load the given encoder from."""
    model = options.model or encoders.DEFAULT_ENCODER
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def inspect_model(
    model: str, use: EncoderUse, hub: "Hub | None" = None, *, called: str | None = None
) -> tuple[str | None, "EncoderFacts"]:
    """Return the fingerprint of an encoder in a folder or on the hub, and what must be known of it.

    Messages name it as it is `called`, by default `--model MODEL`.

    The fingerprint is a hash of the contents of its files, and what these do not say: what the tokenizer does, if other
    files than `tokenizer.json` change it, and marks for another use than in former versions. It is None in a plan or a
    check of weights that would have to be downloaded. Raises UsageError for an encoder that is missing, or that is not
    what it claims (see `check_encoder`).
    """
    folder, called = Path(model), called or f"--model {model}"
    if folder.exists():
        weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
        return _inspect_folder(called, folder, use, {path.name: None for path in weights})
    if hub is None or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UsageError(f"{called}: there is no such folder.")
    from trainables.repositories.encoder_files import AbsentEncoderError

    try:
        return _inspect_repository(model, use, hub, called)
    except AbsentEncoderError as error:
        raise UsageError(f"{called}: {error}") from error
    except HubError as error:
        raise HubError(f"{called.removesuffix(model)}{error}") from error


def _inspect_repository(model: str, use: EncoderUse, hub: "Hub", called: str) -> tuple[str | None, "EncoderFacts"]:
    from trainables.models.tokenizer_check import EncoderFacts
    from trainables.repositories.encoder_files import count_missing_bytes, fetch_encoder, look_at_encoder

    if hub.downloads:
        missing = count_missing_bytes(hub, model)
        if missing:
            sys.stderr.write(f"Downloading {model} from the hub ({missing / 1e6:,.0f} MB).\n")
        fetched = fetch_encoder(hub, model)
        return _inspect_folder(called, fetched.folder, use, fetched.weights)
    with look_at_encoder(hub, model) as look:
        if not look.has_headers:
            hub.notes.append(f"{model}: its weights are no safetensors files, and are checked when the sweep starts.")
            return None, EncoderFacts()
        return _inspect_folder(called, look.folder, use, look.weights)


def _inspect_folder(
    called: str, folder: Path, use: EncoderUse, weights: Mapping[str, str | None]
) -> tuple[str, "EncoderFacts"]:
    """Check an encoder's folder. `weights` are the names of its files of weights, with their SHA-256 if it is known."""
    facts = _check_folder(called, folder, use)
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, *weights, *TOKENIZER_FILES):
        known = weights.get(name)
        if known is not None:
            digest.update(bytes.fromhex(known))
        elif (folder / name).is_file():
            with (folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return "+".join(filter(None, (digest.hexdigest()[:16], facts.rules, *facts.marks))), facts


def _check_folder(called: str, folder: Path, use: EncoderUse) -> "EncoderFacts":
    """Return how a folder is used. Raise UsageError if it is not the encoder that its configuration claims."""
    from trainables.models.encoder_check import check_encoder  # takes seconds; the miniature does without
    from trainables.models.weight_files import RefusedEncoderError, list_weight_files

    try:
        if not (folder / CONFIG_FILE).is_file():
            raise RefusedEncoderError("the folder has no config.json. Save both model and tokenizer there.")
        list_weight_files(folder)
        return check_encoder(folder, use.longest, use.kinds, has_adapters=use.has_adapters)
    except RefusedEncoderError as error:
        raise UsageError(f"{called}: {error}") from error
