"""The encoder: any `transformers` encoder, loaded from a folder or hub id or drawn at random, and saved as a folder."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from spaces.model_files import MASKED_WORD_HEAD_FILE
from spaces.stage import Precision
from trainables.features.features import Tensors
from trainables.models.checkpoint_head import find_masked_lm_class, find_whole_head, list_head_tensors, names_masked_lm
from trainables.models.encoder_shape import read_dropout
from trainables.models.layer_fusion import LayerFusion
from trainables.models.load_report import find_report_fault
from trainables.models.masked_words import MaskedWordHead, build_fresh_head, load_head, save_head
from trainables.models.token_types import reads_token_types

# Model types that can do without a pooler, and that accept an attention mask for each pair of tokens.
BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model that computes hidden states, its tokenizer, and its head for masked words.

    The head is handed on from stage to stage, and changes only where masked words are trained. Weights are in 32 bits
    at any `precision`: that is the precision of the matrix products (see `autocast`).
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision = "fp32"
    masked_word_head: MaskedWordHead = field(kw_only=True)

    @property
    def width(self) -> int:
        """The size of a hidden state."""
        return int(self.model.config.hidden_size)

    @property
    def pad_id(self) -> int:
        """The id of the padding token."""
        pad_id = self.tokenizer.pad_token_id
        if not isinstance(pad_id, int):
            raise ValueError("the tokenizer has no padding token: batches need one.")
        return pad_id

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        device: torch.device = self.model.device
        return device

    @property
    def dropout(self) -> float:
        """The encoder's dropout, which task heads use too."""
        return read_dropout(self.model.config)

    def autocast(self) -> torch.autocast:
        """Return the context of forward passes: with bf16, matrix products and attention are computed in it.

        bf16 has the exponents of 32 bits, so gradients need no scaling (Kalamkar et al. 2019).
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def compute_logits(self, head: nn.Module, batch: Tensors, embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Return the logits of a head of `trainables.kinds`. The head computes in 32 bits, and so does the loss.

        `embeddings` (rows, length, width), if given, replace the word embeddings of the batch's ids. In bf16 many
        logits would be equal (its numbers between 8 and 16 are 1/16 apart), and of answers with equal scores the first
        one would win.
        """
        states: torch.Tensor | list[torch.Tensor]
        with self.autocast():
            if isinstance(head, LayerFusion):
                states = [layer.float() for layer in compute_layer_states(self.model, batch, embeddings)]
            else:
                states = compute_hidden_states(self.model, batch, embeddings).float()
        with torch.autocast(self.device.type, enabled=False):  # evaluation has an autocast context around this call
            logits: torch.Tensor = head(states, batch)
        return logits


def choose_device() -> torch.device:
    """Return the device that stages run on: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_tokenizer(name_or_path: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a folder or hub id. Code that comes with it is never executed."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name_or_path, trust_remote_code=False)
    return tokenizer


def load_encoder(
    name_or_path: str,
    *,
    precision: Precision = "fp32",
    random_seed: int | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Encoder:
    """Return the encoder of a folder or hub id; with `random_seed`, its architecture with fresh random weights.

    `tokenizer` is the encoder's own, if it was loaded before. Code that comes with an encoder is never executed
    (by default, `transformers` would ask). Attention is PyTorch's fused one wherever the architecture allows it: that
    is the default of `transformers`.
    """
    tokenizer = load_tokenizer(name_or_path) if tokenizer is None else tokenizer
    config = AutoConfig.from_pretrained(name_or_path, trust_remote_code=False)
    if random_seed is None:
        model, head = _load_pretrained(name_or_path, config)
    else:
        torch.manual_seed(random_seed)
        model = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False, **_without_pooler(config))
        head = build_fresh_head(model)
    device = choose_device()
    model.to(device)  # type: ignore[arg-type]  # its decorator hides the signature
    return Encoder(model, tokenizer, precision, masked_word_head=head.to(device))


def _load_pretrained(name_or_path: str, config: PretrainedConfig) -> tuple[PreTrainedModel, MaskedWordHead]:
    """Return the model, and the head for masked words that a stage saved or that the checkpoint has, or a fresh one."""
    has_saved_head = (Path(name_or_path) / MASKED_WORD_HEAD_FILE).is_file()
    if not has_saved_head and names_masked_lm(config):
        return _load_masked_lm(name_or_path)
    # The pooler is never used, and a checkpoint without one must not silently get a random one.
    model, report = AutoModel.from_pretrained(
        name_or_path, dtype=torch.float32, trust_remote_code=False, output_loading_info=True, **_without_pooler(config)
    )
    _check_report(model, report)
    if has_saved_head:
        return model, load_head(Path(name_or_path), model)
    if find_masked_lm_class(config) is not None and list_head_tensors(model, report["unexpected_keys"]):
        del model  # there is a head that the configuration does not name
        return _load_masked_lm(name_or_path)
    return model, build_fresh_head(model)


def _load_masked_lm(name_or_path: str) -> tuple[PreTrainedModel, MaskedWordHead]:
    """Return the encoder of a model for masked words, and its head, or a fresh one that says why."""
    masked_lm, report = AutoModelForMaskedLM.from_pretrained(
        name_or_path, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
    )
    _check_report(masked_lm.base_model, report)
    found = find_whole_head(masked_lm, report["missing_keys"])
    return masked_lm.base_model, found.head or build_fresh_head(masked_lm.base_model, reason=found.reason)


def _check_report(model: PreTrainedModel, report: Mapping[str, Collection[Any]]) -> None:
    """Raise ValueError if the library gave random values to a tensor, or left out one that belongs to the encoder."""
    fault = find_report_fault(model, report)
    if fault is not None:
        raise ValueError(f"the encoder is not whole: {fault}")


def check_finite(model: PreTrainedModel) -> None:
    """Raise ValueError if a weight is no finite number."""
    name = next((name for name, value in model.named_parameters() if not torch.isfinite(value).all()), None)
    if name is not None:
        raise ValueError(f"the encoder's weights hold values that are no finite numbers ({name}).")


def _without_pooler(config: PretrainedConfig) -> dict[str, bool]:
    return {"add_pooling_layer": False} if config.model_type in BERT_LIKE else {}


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write model, tokenizer and head for masked words into a folder. `transformers` can load model and tokenizer."""
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    save_head(encoder.masked_word_head, folder)


def compute_hidden_states(
    model: PreTrainedModel, batch: Tensors, embeddings: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the last hidden states (rows, length, width) of a batch.

    `embeddings` (rows, length, width), here and below, replace the word embeddings of the batch's ids.
    """
    states: torch.Tensor = model(**_build_inputs(model, batch, embeddings)).last_hidden_state
    return states


def compute_layer_states(
    model: PreTrainedModel, batch: Tensors, embeddings: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Return the hidden states of every layer, the last layer last. The embeddings' output is not a layer."""
    return compute_all_states(model, batch, embeddings)[1:]


def compute_all_states(
    model: PreTrainedModel, batch: Tensors, embeddings: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Return the embeddings' output, followed by the hidden states of every layer."""
    output = model(**_build_inputs(model, batch, embeddings), output_hidden_states=True)
    return (*output.hidden_states[:-1], output.last_hidden_state)


def _build_inputs(model: PreTrainedModel, batch: Tensors, embeddings: torch.Tensor | None) -> Tensors:
    """Return the arguments of a forward pass.

    Given a mask of tokens, `transformers` checks whether it hides anything, and so makes every step wait until a GPU
    has done all its work. It takes a mask of pairs of tokens (rows, 1, length, length) as it is.
    """
    names = ("attention_mask", "token_type_ids") if reads_token_types(model) else ("attention_mask",)
    inputs: Tensors = {name: batch[name] for name in names if name in batch}
    if model.config.model_type in BERT_LIKE and model.config._attn_implementation == "sdpa":
        is_token = batch["attention_mask"] == 1
        inputs["attention_mask"] = is_token[:, None, None, :].expand(-1, 1, is_token.shape[1], -1)
    if embeddings is None:
        return {"input_ids": batch["input_ids"], **inputs}
    return {"inputs_embeds": embeddings, **inputs}
