"""Check that a folder holds the encoder that its configuration claims, before anything starts.

Nothing big is computed: names and shapes of tensors come from the headers of the weights, and are laid against a model
without memory ("meta"). Whether the attention is causal is tried on one small random layer of the same architecture.
"""

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import transformers
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from spaces.model_files import CONFIG_FILE, MASKED_WORD_HEAD_FILE
from spaces.task import TaskKind
from trainables.features.tokenizer_rules import find_unusual_rules
from trainables.models.adapters import check_adapters
from trainables.models.encoder import load_tokenizer
from trainables.models.encoder_shape import count_positions, read_dropout
from trainables.models.forward_check import check_forward
from trainables.models.head_check import foresee_head
from trainables.models.load_report import find_load_fault
from trainables.models.masked_words import get_word_embeddings
from trainables.models.reading_direction import find_direction
from trainables.models.small_model import build_meta_model
from trainables.models.token_types import TOKEN_TYPES, check_token_types, reads_token_types
from trainables.models.tokenizer_check import (
    ALL_KINDS,
    PAIR_KINDS,
    EncoderFacts,
    check_tokenizer,
    check_tokenizer_files,
)
from trainables.models.weight_files import RefusedEncoderError, find_non_finite, list_weight_files, read_shapes

DROPOUT = "dropout"  # mark of an encoder whose heads had none in former versions
ADVICE = "Give an encoder such as XLM-R, mBERT or ModernBERT."


def check_encoder(
    folder: Path, longest: int, kinds: Collection[TaskKind] = ALL_KINDS, *, has_adapters: bool = False
) -> EncoderFacts:
    """Return how an encoder's folder is used that holds what its configuration claims, else raise.

    `longest` is the length of the longest input of the sweep, in sub-tokens, and `kinds` are those of its tasks. With
    `has_adapters` some stages train adapters (LoRA).
    Raises RefusedEncoderError for the first thing that is wrong: weights that cannot be read, tensors that are missing,
    too many, of another shape or not finite, a decoder, code that would have to be executed, a tokenizer that does not
    go with the model or with the tasks.
    """
    files = list_weight_files(folder)
    with _silence():
        config = _load_config(folder)
        model = _build_empty_model(config)
        _check_direction(model)
        shapes = _check_weights(model, files)
        tokenizer = _load_tokenizer(folder)
        facts = check_tokenizer(tokenizer, kinds)
        if any(kind in kinds for kind in PAIR_KINDS):
            check_token_types(model, tokenizer)
        _check_sizes(tokenizer, model, longest)
        forward_notes = check_forward(model, kinds, gives_types=TOKEN_TYPES in tokenizer.model_input_names)
        if has_adapters:
            check_adapters(model)
        rules = find_unusual_rules(tokenizer, folder, reads_types=reads_token_types(model))
        found = foresee_head(model, shapes, is_saved=(folder / MASKED_WORD_HEAD_FILE).is_file())
    name = find_non_finite(files)
    if name is not None:
        raise RefusedEncoderError(
            f"the weights hold values that are no finite numbers ({name}). Copy or make them again."
        )
    has_new_dropout = not hasattr(config, "hidden_dropout_prob") and read_dropout(config) > 0
    notes = [f"encoder: masked words begin with a new head: {found.reason}"] if found.reason and "mlm" in kinds else []
    return replace(
        facts,
        rules=rules,
        marks=(*facts.marks, *([DROPOUT] if has_new_dropout else [])),
        notes=(*facts.notes, *forward_notes, *notes),
        has_new_head=found.is_new,
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the library's reports and progress bars from the user's terminal: what they say is in the refusal."""
    level, had_bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity(logging.CRITICAL)
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
        if had_bars:
            transformers.logging.enable_progress_bar()


def _load_config(folder: Path) -> PretrainedConfig:
    try:
        fields = json.loads((folder / CONFIG_FILE).read_bytes())
    except (ValueError, RecursionError) as error:
        raise RefusedEncoderError(f"{CONFIG_FILE} cannot be read ({shorten(error)}). Copy it again.") from error
    if not isinstance(fields, dict):
        raise RefusedEncoderError(f"{CONFIG_FILE} is no object. Copy it again.")
    if fields.get("quantization_config"):
        raise RefusedEncoderError(
            f"the weights are quantised (quantization_config in {CONFIG_FILE}). Give the encoder with weights in "
            "floating point."
        )
    if (folder / "adapter_config.json").exists():
        raise RefusedEncoderError(
            "an adapter lies beside the weights (adapter_config.json), and which of both is meant is unclear. "
            "Merge it into the weights and save the whole model, or remove it."
        )
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # the library has many errors; all mean that no class of its own reads the file
        kind = fields.get("model_type")
        own_code = " It brings code of its own (auto_map), which is never executed." if "auto_map" in fields else ""
        raise RefusedEncoderError(
            f"transformers {transformers.__version__} has no class for model_type {kind!r} in {CONFIG_FILE} "
            f"({shorten(error)}).{own_code} {ADVICE}"
        ) from error
    return config


def _build_empty_model(config: PretrainedConfig) -> PreTrainedModel:
    """Return the model of a configuration without memory for its weights."""
    kind = type(config).__name__.removesuffix("Config")
    if config.is_encoder_decoder:
        raise RefusedEncoderError(f"{kind} is a sequence-to-sequence model; the heads read an encoder alone. {ADVICE}")
    try:
        model: PreTrainedModel = build_meta_model(config)
    except Exception as error:  # whatever a class does with a configuration that is not its own
        raise RefusedEncoderError(f"{CONFIG_FILE} makes no model of kind {kind}: {shorten(error)}. {ADVICE}") from error
    is_text = isinstance(model, PreTrainedModel) and isinstance(_find_embeddings(model), nn.Embedding)
    if not is_text or not isinstance(getattr(config, "hidden_size", None), int):
        raise RefusedEncoderError(f"{kind} is no encoder of text with word embeddings and one hidden size. {ADVICE}")
    return model


def _find_embeddings(model: PreTrainedModel) -> object:
    try:
        return model.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return None


def _check_direction(model: PreTrainedModel) -> None:
    direction, name = find_direction(model), type(model).__name__
    if direction == "earlier":
        raise RefusedEncoderError(
            f"{name} is a decoder: a state reads only the tokens before it (causal attention). {ADVICE}"
        )
    if direction == "none":
        raise RefusedEncoderError(
            f"the states of {name} read no other token on this machine: its attention may need a kernel that is not "
            f"installed. {ADVICE}"
        )


def _check_weights(model: PreTrainedModel, files: list[Path]) -> Mapping[str, tuple[int, ...]]:
    shapes = read_shapes(files)
    fault = find_load_fault(model, shapes)
    if fault is not None:
        raise RefusedEncoderError(f"{fault} Give the folder that the model was saved to with save_pretrained.")
    return shapes


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    check_tokenizer_files(folder)
    try:
        return load_tokenizer(str(folder))
    except Exception as error:  # the library has many errors; all mean that the tokenizer cannot be used
        raise RefusedEncoderError(
            f"the tokenizer cannot be loaded: {shorten(error)}. Save the fast tokenizer (tokenizer.json) there."
        ) from error


def _check_sizes(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, longest: int) -> None:
    rows = get_word_embeddings(model).num_embeddings
    word, largest = max(tokenizer.get_vocab().items(), key=lambda item: item[1])
    if largest >= rows:
        raise RefusedEncoderError(
            f"the tokenizer's ids go up to {largest} ({word!r}), but the model has {rows} word embeddings. "
            "Model and tokenizer do not belong together: save both from the same source."
        )
    positions = count_positions(model)
    if positions is not None and positions < longest:
        raise RefusedEncoderError(
            f"the model has {positions} positions, but the longest input of this sweep has {longest} sub-tokens. "
            "Leave out the tasks with long inputs, or give an encoder with more positions."
        )


def shorten(error: Exception) -> str:
    """Return the first sentence or so of a library's message, in one line."""
    return " ".join(str(error).split()).rstrip(".")[:160] or type(error).__name__
