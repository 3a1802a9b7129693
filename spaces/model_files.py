"""The folders in which stages leave models, and the files in them, which search and analysis both know.

A folder has the layout of `transformers`: its configuration, weights and tokenizer. Beside them an encoder has heads
of this project, which no other program reads.
"""

import json
from collections.abc import Mapping
from pathlib import Path

ENCODER_FOLDER = "encoder"  # in a stage's folder: what the stages below start from
MODEL_FOLDER = "model"  # the fine-tuned model of a target's stage, with --keep-models

CONFIG_FILE = "config.json"
INDEX_FILE = "model.safetensors.index.json"  # if the weights are in several files
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"

LABEL_HEAD_FILE = "label_head.safetensors"  # beside the encoder of an intermediate task with labels
MASKED_WORD_HEAD_FILE = "masked_words.safetensors"  # the head for masked words
OWN_HEAD_FILES = (LABEL_HEAD_FILE, MASKED_WORD_HEAD_FILE)

AUTO_CLASSES: Mapping[str, str] = {  # classes of `transformers` that load the fine-tuned model of a kind of task
    "pair": "AutoModelForSequenceClassification",
    "text": "AutoModelForSequenceClassification",
    "choice": "AutoModelForMultipleChoice",
    "tagging": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
}
NO_MODEL_NOTE = "no model is kept: "  # starts the note of a stage that could leave none


def list_weight_files(folder: Path) -> list[str]:
    """Return the names of a model's files of weights, sorted; raise ValueError if their index cannot be read."""
    if not (folder / INDEX_FILE).exists():
        return [WEIGHTS_FILE]
    index = read_json(folder / INDEX_FILE)
    files = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(files, dict) or not files:
        raise ValueError(f"{INDEX_FILE} cannot be read")
    return sorted({Path(str(file)).name for file in files.values()})


def read_json(file: Path) -> object:
    """Return the content of a file; None if it is missing or no JSON."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
