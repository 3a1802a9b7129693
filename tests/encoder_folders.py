"""Small encoder folders with random weights, made in tests: what users give with --model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    DebertaV2Config,
    DebertaV2Model,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaModel,
)

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


def write_mdeberta(folder: Path) -> Path:
    """Write a small encoder in mDeBERTa-v3's published layout: a SentencePiece model and a pickle alone."""
    import sentencepiece

    folder.mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 5),
        model_prefix=str(folder / "spm"),
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3},
        **{"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
    )
    (folder / "spm.vocab").unlink()
    shape = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"intermediate_size": 32, "type_vocab_size": 0, "max_relative_positions": -1, "position_buckets": 8}
    kinds = {"relative_attention": True, "position_biased_input": False, "share_att_key": True}
    names = {"norm_rel_ebd": "layer_norm", "pos_att_type": "p2c|c2p", "layer_norm_eps": 1e-7}
    config = DebertaV2Config(**shape, **kinds, **names)
    torch.manual_seed(0)
    tensors = {f"deberta.{name}": value for name, value in DebertaV2Model(config).state_dict().items()}
    tensors["lm_predictions.lm_head.bias"] = torch.zeros(64)  # no class of the library reads this head
    torch.save(tensors, folder / "pytorch_model.bin")
    fields = {"model_type": "deberta-v2", "hidden_act": "gelu", **shape, **kinds, **names}
    (folder / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    settings = {"do_lower_case": False, "vocab_type": "spm"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
