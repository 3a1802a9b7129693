"""The encoder: any `transformers` encoder, from a folder, a hub id or random weights; saved as a folder again."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from spaces.stage import Precision
from trainables.features import Tensors


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model that yields hidden states, with the tokenizer it was trained with.

    Weights are in 32 bits whatever `precision` says: it is that of the matrix products (see `autocast`).
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision = "fp32"

    @property
    def width(self) -> int:
        """Size of a hidden state."""
        return int(self.model.config.hidden_size)

    @property
    def pad_id(self) -> int:
        """The id that fills rows up."""
        pad_id = self.tokenizer.pad_token_id
        if not isinstance(pad_id, int):
            raise ValueError("the tokenizer has no padding token.")
        return pad_id

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.model.device
        return device

    @property
    def dropout(self) -> float:
        """The dropout that heads share with the encoder."""
        return float(getattr(self.model.config, "hidden_dropout_prob", 0.0) or 0.0)

    def autocast(self) -> torch.autocast:
        """The context that forward passes run in: with bf16, matrix products and attention are done in it.

        bf16 has the exponents of 32 bits, so gradients need no scaling (Kalamkar et al. 2019).
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def logits(self, head: nn.Module, batch: Tensors, words: torch.Tensor | None = None) -> torch.Tensor:
        """What a head of `trainables.kinds` makes of a batch: it computes in 32 bits, and so does the loss.

        `words` (rows, length, width), if given, stand in place of the word embeddings of the batch's ids.

        Of the logits of a head in bf16 many are equal (its numbers between 8 and 16 are 1/16 apart), and of answers
        that score the same the first one would win.
        """
        with self.autocast():
            states = hidden_states(self.model, batch, words)
        with torch.autocast(self.device.type, enabled=False):  # evaluation has a context of its own around this one
            logits: torch.Tensor = head(states.float(), batch)
        return logits


def load_encoder(place: str, *, precision: Precision = "fp32", random_seed: int | None = None) -> Encoder:
    """The encoder at `place` (a folder or hub id); with `random_seed`, its architecture with fresh random weights.

    Code that comes with an encoder is never executed: left to itself, `transformers` would ask.

    Attention is PyTorch's fused one wherever the architecture allows it: that is the default of `transformers`.
    """
    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    if random_seed is None:
        # The pooler is never used, and a checkpoint without one must not get a random one silently.
        model = AutoModel.from_pretrained(place, dtype=torch.float32, trust_remote_code=False, **_without_pooler(place))
    else:
        torch.manual_seed(random_seed)
        config = AutoConfig.from_pretrained(place, trust_remote_code=False)
        model = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False, **_without_pooler(place))
    return Encoder(model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer, precision)


def _without_pooler(place: str) -> dict[str, bool]:
    known = ("bert", "roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")
    return (
        {"add_pooling_layer": False}
        if AutoConfig.from_pretrained(place, trust_remote_code=False).model_type in known
        else {}
    )


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write model and tokenizer into a folder that `transformers` loads."""
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)


def freeze_embeddings(model: PreTrainedModel) -> None:
    """Keep the word embeddings as they are."""
    embeddings = model.get_input_embeddings()
    if not isinstance(embeddings, nn.Embedding):
        raise ValueError(f"cannot freeze the word embeddings of {type(model).__name__}: no nn.Embedding.")
    embeddings.weight.requires_grad_(False)


def hidden_states(model: PreTrainedModel, batch: Tensors, words: torch.Tensor | None = None) -> torch.Tensor:
    """Last hidden states (rows, length, width) of a batch, or of these word embeddings in place of its ids."""
    beside = {name: batch[name] for name in ("attention_mask", "token_type_ids") if name in batch}
    read = {"input_ids": batch["input_ids"]} if words is None else {"inputs_embeds": words}
    states: torch.Tensor = model(**read, **beside).last_hidden_state
    return states
