"""The files of weights in an encoder's folder: which ones are read, what their headers say, whether values are finite.

Headers are read without the values: the header of a safetensors file, or the index of a zip file of PyTorch. Pickles
are read with PyTorch's own restricted reader, which executes nothing.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open

from trainables.repositories.snapshot import is_pointer

# In the order in which `transformers` looks for them.
SINGLE_FILES = ("model.safetensors", "pytorch_model.bin")
INDEX_OF = {name: f"{name}.index.json" for name in SINGLE_FILES}
FLOATS = ("F64", "F32", "F16", "BF16", "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16")


class RefusedEncoderError(ValueError):
    """An encoder that is not what it claims. The text gives the rule, the value and what to do, in one line."""


def list_weight_files(folder: Path) -> list[Path]:
    """Return the files that `transformers` reads the weights from. Raise RefusedEncoderError if one is not there."""
    for name in SINGLE_FILES:
        if _is_present(folder / name):
            return [folder / name]
        if _is_present(folder / INDEX_OF[name]):
            return _list_shards(folder / INDEX_OF[name])
    if (folder / "adapter_config.json").exists():
        raise RefusedEncoderError(
            "the folder holds an adapter (adapter_config.json) without the weights of its base model. "
            "Merge the adapter into its base model, and save the whole model."
        )
    others = sorted(path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".gguf", ".onnx"))
    there = f" (there are: {', '.join(others[:4])})" if others else ""
    raise RefusedEncoderError(
        f"the folder has no weights (model.safetensors){there}. Save both model and tokenizer there."
    )


def _is_present(file: Path) -> bool:
    if file.is_file():
        return True
    if file.is_symlink():
        raise RefusedEncoderError(
            f"{file.name} is a link that leads nowhere ({file.readlink()}). Copy the file itself into the folder."
        )
    return False


def _list_shards(index: Path) -> list[Path]:
    """Return the files that an index names."""
    check_no_pointer(index)
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RefusedEncoderError(f"{index.name} cannot be read. Copy the folder again.") from error
    shards = [index.parent / Path(str(name)).name for name in names]
    missing = [path.name for path in shards if not _is_present(path)]
    if missing or not shards:
        raise RefusedEncoderError(
            f"{len(missing)} of {len(shards)} files of weights are missing: {', '.join(missing[:3]) or 'all'} "
            f"(named by {index.name}). Copy the whole folder."
        )
    return shards


def check_no_pointer(file: Path) -> None:
    """Raise RefusedEncoderError if a file is the text that git-lfs leaves in place of a large file."""
    if is_pointer(file):
        raise RefusedEncoderError(
            f"{file.name} is a git-lfs pointer of {file.stat().st_size} bytes, not the file. "
            "Run `git lfs pull` in the folder, or download the file itself."
        )


def read_shapes(files: list[Path]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor, from the headers. Raise RefusedEncoderError for a file that cannot be one.

    Weights that are not in floating point of at least 16 bits are quantised; buffers such as `position_ids` are not.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        for name, (shape, kind) in _read_headers(file).items():
            if name.endswith("weight") and kind not in FLOATS:
                raise RefusedEncoderError(
                    f"{file.name} holds quantised weights ({name} is {kind}). Give the encoder with weights in "
                    "floating point."
                )
            shapes[name] = shape
    return shapes


def _read_headers(file: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the shape and the type of each tensor of a file, without reading its values."""
    check_no_pointer(file)
    try:
        if file.suffix != ".safetensors":
            tensors = _load_pickle(file, "meta")
            return {name: (tuple(value.shape), str(value.dtype)) for name, value in tensors.items()}
        with safe_open(file, "pt") as weights:  # type: ignore[no-untyped-call]
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118  # it is no dict
            return {name: (tuple(part.get_shape()), str(part.get_dtype())) for name, part in slices.items()}
    except Exception as error:  # both readers have many errors; all mean that the file is not whole
        reason = " ".join(str(error).split()).rstrip(".")[:120] or type(error).__name__
        raise RefusedEncoderError(
            f"{file.name} ({file.stat().st_size:,} bytes) cannot be read as weights: {reason}. "
            "It is cut, or a file of another kind: copy it again."
        ) from error


def _load_pickle(file: Path, device: str) -> dict[str, torch.Tensor]:
    is_zip = zipfile.is_zipfile(file)
    with file.open("rb") as content:
        if not is_zip and content.read(2) in (b"PK", b""):
            raise ValueError("it has no index")
    table = torch.load(file, map_location=device, weights_only=True, mmap=is_zip)
    if not isinstance(table, Mapping):
        raise ValueError("it holds no table of tensors")
    return {str(name): value for name, value in table.items() if isinstance(value, torch.Tensor)}


def find_non_finite(files: list[Path]) -> str | None:
    """Return the name of the first tensor with a value that is no finite number, or None. All values are read."""
    for name, tensor in _iter_tensors(files):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return name
    return None


def _iter_tensors(files: list[Path]) -> Iterator[tuple[str, torch.Tensor]]:
    for file in files:
        if file.suffix == ".safetensors":
            with safe_open(file, "pt") as weights:  # type: ignore[no-untyped-call]
                for name in weights.keys():  # noqa: SIM118  # it is no dict
                    yield name, weights.get_tensor(name)
        else:
            yield from _load_pickle(file, "cpu").items()
