"""The files in an encoder's folder, and a check that they are whole: in milliseconds, without loading any of them."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

CONFIG_FILE = "config.json"
INDEX_FILE = "model.safetensors.index.json"  # if the weights are in several files
LABEL_HEAD_FILE = "label_head.safetensors"  # beside the encoder of an intermediate task with labels
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"
MASKED_WORD_HEAD_FILE = "masked_words.safetensors"  # the head for masked words


def find_encoder_fault(folder: Path) -> str | None:
    """Return the first fault of a folder that `save_encoder` wrote, or None; values of weights are not checked."""
    if not isinstance(_read_json(folder / CONFIG_FILE), dict):
        return f"{CONFIG_FILE} cannot be read"
    if not _has_json_ends(folder / TOKENIZER_FILE):
        return f"{TOKENIZER_FILE} is cut or missing"
    weights = [WEIGHTS_FILE]
    if (folder / INDEX_FILE).exists():
        index = _read_json(folder / INDEX_FILE)
        files = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(files, dict) or not files:
            return f"{INDEX_FILE} cannot be read"
        weights = sorted({Path(str(file)).name for file in files.values()})
    heads = [MASKED_WORD_HEAD_FILE, *([LABEL_HEAD_FILE] if (folder / LABEL_HEAD_FILE).exists() else [])]
    faults = (find_weights_fault(folder / file) for file in (*weights, *heads))
    return next((fault for fault in faults if fault is not None), None)


def find_weights_fault(file: Path) -> str | None:
    """Return the fault of a file of weights, or None if it is as long as its header says and not empty."""
    try:
        with safe_open(file, "pt") as weights:  # type: ignore[no-untyped-call]
            return None if weights.keys() else f"{file.name} is empty"
    except (SafetensorError, OSError) as error:
        return f"{file.name}: {error}"


def _read_json(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _has_json_ends(file: Path) -> bool:
    """Return True if the file begins and ends like a JSON object: parsing a large vocabulary would take long."""
    try:
        with file.open("rb") as content:
            first = content.read(1)
            content.seek(max(-8, -file.stat().st_size), 2)
            return first == b"{" and content.read().rstrip().endswith(b"}")
    except OSError:
        return False
