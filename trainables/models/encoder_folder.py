"""A check that an encoder's folder is whole: in milliseconds, without loading any of its files."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from spaces.model_files import (
    CONFIG_FILE,
    LABEL_HEAD_FILE,
    MASKED_WORD_HEAD_FILE,
    TOKENIZER_FILE,
    list_weight_files,
    read_json,
)


def find_encoder_fault(folder: Path) -> str | None:
    """Return the first fault of a folder that `save_encoder` wrote, or None; values of weights are not checked."""
    if not isinstance(read_json(folder / CONFIG_FILE), dict):
        return f"{CONFIG_FILE} cannot be read"
    if not _has_json_ends(folder / TOKENIZER_FILE):
        return f"{TOKENIZER_FILE} is cut or missing"
    try:
        weights = list_weight_files(folder)
    except ValueError as error:
        return str(error)
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


def _has_json_ends(file: Path) -> bool:
    """Return True if the file begins and ends like a JSON object: parsing a large vocabulary would take long."""
    try:
        with file.open("rb") as content:
            first = content.read(1)
            content.seek(max(-8, -file.stat().st_size), 2)
            return first == b"{" and content.read().rstrip().endswith(b"}")
    except OSError:
        return False
