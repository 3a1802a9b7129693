"""The encoders that a worker keeps: one stage after the other starts from the same few folders.

Only small encoders are kept. To read the weights of the miniature and build its model costs a worker as much as ten
steps of training. XLM-R Large would take 2.2 GB of the host's memory in each worker, to save some seconds of a stage
that takes hours: its file lies in the system's cache, once for all workers of a machine. Tokenizers are kept whatever
their encoder's size: a vocabulary of 250,000 entries takes long to read, and all encoders of a sweep have the same one.
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

MAX_BYTES = 256 * 2**20  # of weights; the least recently used encoders go first
TOKENIZER_SUFFIXES = (".json", ".txt", ".model")  # ends of the names of the files that make one, and the configuration

FolderKey = tuple[tuple[str, int, int, int], ...]

_encoders: OrderedDict[FolderKey, tuple[Encoder, int]] = OrderedDict()
_tokenizers: dict[str, PreTrainedTokenizerBase] = {}


def load_cached_encoder(place: str, *, precision: Precision = "fp32", random_seed: int | None = None) -> Encoder:
    """What `load_encoder` gives, weights of its own and all, from memory where that folder was read before.

    A folder is known by its files, their times and sizes: one that was written anew, or damaged, is read anew.
    """
    folder = Path(place)
    tokenizer = _load_cached_tokenizer(folder) if folder.is_dir() else None
    if tokenizer is None or random_seed is not None:
        return load_encoder(place, precision=precision, random_seed=random_seed, tokenizer=tokenizer)
    identity = _read_folder_key(folder)
    if identity in _encoders:
        _encoders.move_to_end(identity)
        return _copy_encoder(_encoders[identity][0], precision)
    encoder = load_encoder(place, precision=precision, tokenizer=tokenizer)
    size = _count_bytes(encoder.model) + _count_bytes(encoder.masked_word_head)
    if size <= MAX_BYTES:
        _encoders[identity] = _copy_encoder(encoder, precision, torch.device("cpu")), size
    while sum(size for _, size in _encoders.values()) > MAX_BYTES:
        _encoders.popitem(last=False)
    return encoder


def _copy_encoder(encoder: Encoder, precision: Precision, device: torch.device | None = None) -> Encoder:
    device = device or choose_device()
    model = copy.deepcopy(encoder.model).to(device)  # type: ignore[arg-type]  # its decorator hides what it takes
    return Encoder(
        model, encoder.tokenizer, precision, masked_word_head=copy.deepcopy(encoder.masked_word_head).to(device)
    )


def _load_cached_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder; the last one is kept, and known by the contents of its files."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.suffix in TOKENIZER_SUFFIXES):
        digest.update(f"{file.name} {file.stat().st_size} ".encode())
        digest.update(file.read_bytes())
    name = digest.hexdigest()
    if name not in _tokenizers:
        _tokenizers.clear()
        _tokenizers[name] = load_tokenizer(str(folder))
    return _tokenizers[name]


def _read_folder_key(folder: Path) -> FolderKey:
    found = [(str(path.resolve()), path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found)


def _count_bytes(module: nn.Module) -> int:
    return sum(value.nbytes for value in (*module.parameters(), *module.buffers()))
