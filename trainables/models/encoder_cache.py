"""The encoders that a worker keeps in memory: many stages in turn start from the same few folders.

Only small encoders are kept. Reading the weights of the miniature and building its model costs a worker as much as ten
steps of training. XLM-R Large would take 2.2 GB of the host's memory in each worker, and save some seconds of a stage
that takes hours: its file is in the system's cache, once for all workers of a machine. Tokenizers are kept at any size
of the encoder: a vocabulary of 250,000 entries takes long to read, and all encoders of a sweep have the same one.
"""

import copy
import hashlib
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.stage import Precision
from trainables.models.encoder import Encoder, choose_device, load_encoder, load_tokenizer

MAX_BYTES = 256 * 2**20  # of weights; the least recently used encoders are dropped first
TOKENIZER_SUFFIXES = (".json", ".txt", ".model")  # of the files that define a tokenizer, and of the configuration

FolderKey = tuple[tuple[str, int, int, int], ...]  # of each file: path, inode, time of change, size

_encoders: OrderedDict[FolderKey, tuple[Encoder, int]] = OrderedDict()
_tokenizers: dict[str, PreTrainedTokenizerBase] = {}


def load_cached_encoder(name_or_path: str, *, precision: Precision = "fp32", random_seed: int | None = None) -> Encoder:
    """Return the result of `load_encoder`, from memory if the folder was read before. Its weights are always a copy.

    A folder is known by its files, their times and sizes: a folder that was written again, or damaged, is read again.
    Random weights are not kept.
    """
    folder = Path(name_or_path)
    tokenizer = _load_cached_tokenizer(folder) if folder.is_dir() else None
    if tokenizer is None or random_seed is not None:
        return load_encoder(name_or_path, precision=precision, random_seed=random_seed, tokenizer=tokenizer)
    key = _read_folder_key(folder)
    if key in _encoders:
        _encoders.move_to_end(key)
        return _copy_encoder(_encoders[key][0], precision, choose_device())
    encoder = load_encoder(name_or_path, precision=precision, tokenizer=tokenizer)
    size = _count_bytes(encoder.model) + _count_bytes(encoder.masked_word_head)
    if size <= MAX_BYTES:
        _encoders[key] = _copy_encoder(encoder, precision, torch.device("cpu")), size
    while sum(size for _, size in _encoders.values()) > MAX_BYTES:
        _encoders.popitem(last=False)
    return encoder


def _copy_encoder(encoder: Encoder, precision: Precision, device: torch.device) -> Encoder:
    model = copy.deepcopy(encoder.model).to(device)  # type: ignore[arg-type]  # its decorator hides the signature
    head = copy.deepcopy(encoder.masked_word_head).to(device)
    return Encoder(model, encoder.tokenizer, precision, masked_word_head=head)


def _load_cached_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a folder. Only the last one is kept, known by the contents of its files."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.suffix in TOKENIZER_SUFFIXES):
        digest.update(f"{file.name} {file.stat().st_size} ".encode())
        digest.update(file.read_bytes())
    key = digest.hexdigest()
    if key not in _tokenizers:
        _tokenizers.clear()
        _tokenizers[key] = load_tokenizer(str(folder))
    return _tokenizers[key]


def _read_folder_key(folder: Path) -> FolderKey:
    stats = [(str(path.resolve()), path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _count_bytes(module: nn.Module) -> int:
    return sum(value.nbytes for value in (*module.parameters(), *module.buffers()))
