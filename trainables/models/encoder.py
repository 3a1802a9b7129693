"""The encoder: any `transformers` encoder, from a folder, a hub id or random weights; saved as a folder again."""

from dataclasses import dataclass, field
from pathlib import Path

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

from spaces.stage import Precision
from trainables.features.features import Tensors
from trainables.models.encoder_folder import MASKED_WORD_HEAD_FILE
from trainables.models.layer_fusion import LayerFusion
from trainables.models.masked_words import MaskedWordHead, build_fresh_head, extract_head, load_head, save_head

# Kinds of model that can do without a pooler, and that take a mask which says for each token what it may look at.
BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")
MASKED_LM_SUFFIXES = ("ForMaskedLM", "ForPreTraining")  # ends of the names of architectures that guess masked words


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model that yields hidden states, with the tokenizer it was trained with and its head for masked words.

    The head is handed on from stage to stage as it is; only where masked words are trained it changes. Weights are in
    32 bits whatever `precision` says: it is that of the matrix products (see `autocast`).
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision = "fp32"
    masked_word_head: MaskedWordHead = field(kw_only=True)

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

    def compute_logits(self, head: nn.Module, batch: Tensors, words: torch.Tensor | None = None) -> torch.Tensor:
        """What a head of `trainables.kinds` makes of a batch: it computes in 32 bits, and so does the loss.

        `words` (rows, length, width), if given, stand in place of the word embeddings of the batch's ids.

        Of the logits of a head in bf16 many are equal (its numbers between 8 and 16 are 1/16 apart), and of answers
        that score the same the first one would win.
        """
        states: torch.Tensor | list[torch.Tensor]
        with self.autocast():
            if isinstance(head, LayerFusion):
                states = [layer.float() for layer in compute_layer_states(self.model, batch, words)]
            else:
                states = compute_hidden_states(self.model, batch, words).float()
        with torch.autocast(self.device.type, enabled=False):  # evaluation has a context of its own around this one
            logits: torch.Tensor = head(states, batch)
        return logits


def choose_device() -> torch.device:
    """Where a stage works."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_tokenizer(place: str) -> PreTrainedTokenizerBase:
    """The tokenizer at `place`. Code that comes with it is never executed."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    return tokenizer


def load_encoder(
    place: str,
    *,
    precision: Precision = "fp32",
    random_seed: int | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Encoder:
    """The encoder at `place` (a folder or hub id); with `random_seed`, its architecture with fresh random weights.

    `tokenizer` is the one that lies there, if it was read before.

    Code that comes with an encoder is never executed: left to itself, `transformers` would ask.

    Attention is PyTorch's fused one wherever the architecture allows it: that is the default of `transformers`.
    """
    tokenizer = load_tokenizer(place) if tokenizer is None else tokenizer
    config = AutoConfig.from_pretrained(place, trust_remote_code=False)
    if random_seed is None:
        model, words = _load_pretrained(place, config)
    else:
        torch.manual_seed(random_seed)
        model = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False, **_without_pooler(config))
        words = None
    device = choose_device()
    model.to(device)  # type: ignore[arg-type]  # its decorator hides what it takes
    return Encoder(model, tokenizer, precision, masked_word_head=(words or build_fresh_head(model)).to(device))


def _load_pretrained(place: str, config: PretrainedConfig) -> tuple[PreTrainedModel, MaskedWordHead | None]:
    """The weights at a place, and the head for masked words that a stage left there, or that the checkpoint has."""
    own = (Path(place) / MASKED_WORD_HEAD_FILE).is_file()
    if not own and any(name.endswith(MASKED_LM_SUFFIXES) for name in config.architectures or ()):
        whole, told = AutoModelForMaskedLM.from_pretrained(
            place, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
        )
        lacking = any(not name.startswith(f"{whole.base_model_prefix}.") for name in told["missing_keys"])
        return whole.base_model, None if lacking else extract_head(whole)
    # The pooler is never used, and a checkpoint without one must not get a random one silently.
    model = AutoModel.from_pretrained(place, dtype=torch.float32, trust_remote_code=False, **_without_pooler(config))
    return model, load_head(Path(place), model) if own else None


def _without_pooler(config: PretrainedConfig) -> dict[str, bool]:
    return {"add_pooling_layer": False} if config.model_type in BERT_LIKE else {}


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write model, tokenizer and head for masked words into a folder whose model `transformers` loads."""
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    save_head(encoder.masked_word_head, folder)


def compute_hidden_states(model: PreTrainedModel, batch: Tensors, words: torch.Tensor | None = None) -> torch.Tensor:
    """Last hidden states (rows, length, width) of a batch, or of these word embeddings in place of its ids."""
    states: torch.Tensor = model(**_build_inputs(model, batch, words)).last_hidden_state
    return states


def compute_layer_states(
    model: PreTrainedModel, batch: Tensors, words: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Hidden states of every layer, the last one last. The output of the embeddings is no layer."""
    return compute_all_states(model, batch, words)[1:]


def compute_all_states(
    model: PreTrainedModel, batch: Tensors, words: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """The output of the embeddings, and then the hidden states of every layer."""
    found = model(**_build_inputs(model, batch, words), output_hidden_states=True)
    return (*found.hidden_states[:-1], found.last_hidden_state)


def _build_inputs(model: PreTrainedModel, batch: Tensors, words: torch.Tensor | None) -> Tensors:
    """What a forward pass is given.

    Of a mask of tokens `transformers` asks whether it hides anything at all, and so waits at every step until a GPU has
    done all its work. It takes a whole mask (rows, 1, length, length) as it is.
    """
    beside: Tensors = {name: batch[name] for name in ("attention_mask", "token_type_ids") if name in batch}
    if model.config.model_type in BERT_LIKE and model.config._attn_implementation == "sdpa":
        shown = batch["attention_mask"] == 1
        beside["attention_mask"] = shown[:, None, None, :].expand(-1, 1, shown.shape[1], -1)
    return {"input_ids": batch["input_ids"], **beside} if words is None else {"inputs_embeds": words, **beside}
