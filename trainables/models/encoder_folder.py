"""Whether the folder of an encoder is whole, seen from its files alone: in milliseconds, and nothing is loaded."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"  # of weights in several files
LABEL_HEAD = "label_head.safetensors"  # beside the encoder of an intermediate task with labels
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
MASKED_WORDS = "masked_words.safetensors"  # the head that guesses masked words


def encoder_fault(folder: Path) -> str | None:
    """What is wrong with the folder that `save_encoder` left; None if it is whole. Numbers in it are not looked at."""
    if not isinstance(_json(folder / CONFIG), dict):
        return f"{CONFIG} cannot be read"
    if not _ends_well(folder / TOKENIZER):
        return f"{TOKENIZER} is cut or missing"
    weights = [WEIGHTS]
    if (folder / INDEX).exists():
        index = _json(folder / INDEX)
        files = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(files, dict) or not files:
            return f"{INDEX} cannot be read"
        weights = sorted({Path(str(file)).name for file in files.values()})
    heads = [MASKED_WORDS, *([LABEL_HEAD] if (folder / LABEL_HEAD).exists() else [])]
    faults = (weights_fault(folder / file) for file in (*weights, *heads))
    return next((fault for fault in faults if fault is not None), None)


def weights_fault(file: Path) -> str | None:
    """What is wrong with a file of weights: its header says how long it is. None if it is whole."""
    try:
        with safe_open(file, "pt") as weights:  # type: ignore[no-untyped-call]
            return None if weights.keys() else f"{file.name} is empty"
    except (SafetensorError, OSError) as error:
        return f"{file.name}: {error}"


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _ends_well(file: Path) -> bool:
    """Whether a JSON object begins and ends here: large vocabularies take their time to parse."""
    try:
        with file.open("rb") as content:
            first = content.read(1)
            content.seek(max(-8, -file.stat().st_size), 2)
            return first == b"{" and content.read().rstrip().endswith(b"}")
    except OSError:
        return False
