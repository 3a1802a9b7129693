"""Small encoder folders with random weights, made in tests: what users give with --model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase, XLMRobertaConfig, XLMRobertaModel

from tests.subwords import train_subwords

TEXTS = ["an old town in the north", "who lives in an old town", "the towns of the north are old"] * 3
WEIGHTS = "model.safetensors"
Tensors = dict[str, torch.Tensor]


def write_encoder(
    folder: Path, model: PreTrainedModel | None = None, tokenizer: PreTrainedTokenizerBase | None = None
) -> Path:
    """Save a model, by default a small XLM-R, and a tokenizer; return the folder."""
    tokenizer = tokenizer or train_subwords(TEXTS, 60)
    (model or build_xlmr(len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_xlmr(vocabulary: int, **fields: Any) -> XLMRobertaModel:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    shape |= {"max_position_embeddings": 514, "pad_token_id": 1, "type_vocab_size": 1, "vocab_size": vocabulary}
    torch.manual_seed(0)
    return XLMRobertaModel(XLMRobertaConfig(**(shape | fields)))


def change_weights(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, {"format": "pt"})


def change_fields(file: Path, **fields: object) -> None:
    """Change fields of a JSON file; None removes one."""
    content = json.loads(file.read_text(encoding="utf-8")) | fields
    kept = {name: value for name, value in content.items() if value is not None}
    file.write_text(json.dumps(kept), encoding="utf-8")
