"""Whether a ready encoder can take the place of a phase: its form and its tokenizer must be the start encoder's."""

from pathlib import Path
from typing import Any

import huggingface_hub
from transformers import AutoConfig, PretrainedConfig

from trainables.models.encoder import load_tokenizer
from trainables.models.small_model import build_meta_model

# Texts of several scripts, with blanks, capitals and marks: tokenizers of equal vocabularies may split them unlike.
SAMPLES = ("All human beings are born free.", "Все люди  рождаются", "人人生而自由", "सभी मनुष्य", "ABC-abc 2,5 %")


def find_unlikeness(start: Path, ready: Path) -> str | None:
    """Return in what a ready encoder's folder differs from that of the start encoder, None if in nothing that counts.

    Kind of model, shapes of weights, attention heads, vocabulary and splitting must be equal.
    """
    own, other = (AutoConfig.from_pretrained(folder, trust_remote_code=False) for folder in (start, ready))
    if own.model_type != other.model_type:
        return f"it is of type {other.model_type}, and the start encoder of type {own.model_type}"
    shapes, others = _list_shapes(own), _list_shapes(other)
    for name in sorted(shapes.keys() | others.keys()):
        if shapes.get(name) != others.get(name):
            here, there = (_describe_shape(each.get(name)) for each in (others, shapes))
            return f"its {name} is {here}, and that of the start encoder is {there}"
    heads, other_heads = (getattr(config, "num_attention_heads", None) for config in (own, other))
    if heads != other_heads:
        return f"it has {other_heads} attention heads, and the start encoder has {heads}"
    tokenizer, other_tokenizer = (load_tokenizer(str(folder)) for folder in (start, ready))
    if tokenizer.get_vocab() != other_tokenizer.get_vocab():
        return "its tokenizer has another vocabulary than that of the start encoder"
    for text in SAMPLES:
        if tokenizer(text)["input_ids"] != other_tokenizer(text)["input_ids"]:
            return f"its tokenizer splits {text!r} in another way than that of the start encoder"
    return None


def _list_shapes(config: PretrainedConfig) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in build_meta_model(config).named_parameters()}


def _describe_shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else " x ".join(map(str, shape))


def list_card_datasets(card: Path) -> tuple[str, ...]:
    """Return the datasets that an encoder's card (README.md) names as its training data.

    Raises ValueError for a card whose header cannot be read.
    """
    try:
        metadata: Any = huggingface_hub.metadata_load(card) or {}
    except Exception as error:  # YAML, encoding, permission
        raise ValueError(f"its card {card.name} cannot be read: {' '.join(str(error).split())[:120]}") from error
    named = metadata.get("datasets") if isinstance(metadata, dict) else None
    return tuple(map(str, named)) if isinstance(named, list) else ()
