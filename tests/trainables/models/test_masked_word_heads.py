"""Heads for masked words from a checkpoint: found, compared with its guesses, replaced if unusable, saved unchanged."""

import re
from pathlib import Path

import pytest
import torch
from transformers import (
    AlbertForMaskedLM,
    BertForMaskedLM,
    DistilBertForMaskedLM,
    ElectraForMaskedLM,
    EuroBertForMaskedLM,
    LukeForMaskedLM,
    MobileBertConfig,
    MobileBertForMaskedLM,
    ModernBertForMaskedLM,
    PreTrainedModel,
    RemBertForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMWithLMHeadModel,
)

from spaces.model_files import MASKED_WORD_HEAD_FILE
from tests.encoder_folders import change_fields
from tests.trainables.conftest import SHAPE
from tests.trainables.trainings import equal
from trainables.miniature import world
from trainables.models.encoder import Encoder, load_encoder, save_encoder
from trainables.models.encoder_check import check_encoder
from trainables.models.encoder_folder import find_encoder_fault
from trainables.models.masked_words import build_fresh_head

TOKENIZER = world.build_tokenizer(world.build_world())


def test_a_head_is_carried_along_unchanged(encoder: Encoder, tmp_path: Path) -> None:
    encoder.masked_word_head.is_trained, encoder.masked_word_head.norm.eps = True, 1e-12
    save_encoder(encoder, tmp_path)
    loaded = load_encoder(str(tmp_path)).masked_word_head
    assert loaded.is_trained and loaded.norm.eps == 1e-12
    assert equal(loaded.state_dict(), encoder.masked_word_head.state_dict())


def test_a_head_is_part_of_a_whole_folder(encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(encoder, tmp_path)
    assert find_encoder_fault(tmp_path) is None
    (tmp_path / MASKED_WORD_HEAD_FILE).unlink()
    assert MASKED_WORD_HEAD_FILE in str(find_encoder_fault(tmp_path))


def checkpoint(folder: Path, model: PreTrainedModel) -> Path:
    """A published encoder with its own head for masked words, whose weights are no start values."""
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.1 * torch.randn_like(value))
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


SMALL = {"vocab_size": len(TOKENIZER), "pad_token_id": 1, "hidden_size": 16, "num_hidden_layers": 2}
SMALL |= {"num_attention_heads": 2, "intermediate_size": 32}
# One of each layout: activations, norms without bias, an embedding of another width, a head without a dense layer, an
# output matrix of its own.
MASKED_LMS: dict[str, tuple[type[PreTrainedModel], dict[str, object]]] = {
    "xlm-r": (XLMRobertaForMaskedLM, {}),
    "bert": (BertForMaskedLM, {}),
    "another-activation": (XLMRobertaForMaskedLM, {"hidden_act": "relu"}),
    "a-matrix-of-its-own": (XLMRobertaForMaskedLM, {"tie_word_embeddings": False}),
    "albert": (AlbertForMaskedLM, {"embedding_size": 8}),
    "distilbert": (DistilBertForMaskedLM, {}),
    "electra": (ElectraForMaskedLM, {"embedding_size": 8}),
    "eurobert": (EuroBertForMaskedLM, {}),
    "luke": (LukeForMaskedLM, {"entity_vocab_size": 9, "entity_emb_size": 8}),
    "modernbert": (ModernBertForMaskedLM, {}),
    "rembert": (RemBertForMaskedLM, {"input_embedding_size": 8, "output_embedding_size": 24}),
    "xlm": (XLMWithLMHeadModel, {}),
}


@pytest.mark.parametrize("name", MASKED_LMS)
def test_the_head_of_a_checkpoint_guesses_as_the_checkpoint_does(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    kind, fields = MASKED_LMS[name]
    model = kind(kind.config_class(**(SMALL | fields)))
    folder = checkpoint(tmp_path / "given", model)
    encoder = load_encoder(str(folder))
    assert encoder.masked_word_head.is_trained
    assert check_encoder(folder, 1, ("mlm",)).has_new_head == (name not in ("xlm-r", "bert"))
    assert type(encoder.model) is type(model.base_model)
    ids = torch.tensor([[0, 7, 4, 9, 2]])
    model.eval(), encoder.model.eval()
    with torch.inference_mode():
        expected = model(ids).logits[0]
        states = encoder.model(ids).last_hidden_state[0]
        logits = encoder.masked_word_head(states, encoder.model.get_input_embeddings().weight)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)

    save_encoder(encoder, tmp_path / "handed-on")  # and through a stage's folder it comes as it was
    again = load_encoder(str(tmp_path / "handed-on"))
    with torch.inference_mode():
        table = again.model.eval().get_input_embeddings().weight
        torch.testing.assert_close(again.masked_word_head(again.model(ids).last_hidden_state[0], table), expected)


@pytest.mark.parametrize("lacking", ["no head", "half a head"])
def test_without_a_usable_head_there_is_a_fresh_one(lacking: str, tmp_path: Path) -> None:
    model = XLMRobertaForMaskedLM(XLMRobertaConfig(**SHAPE))
    folder = checkpoint(tmp_path, model.base_model if lacking == "no head" else model)
    if lacking == "half a head":
        weights = {name: value for name, value in model.state_dict().items() if "lm_head.dense" not in name}
        model.save_pretrained(folder, state_dict=weights)
    encoder = load_encoder(str(folder))
    assert not encoder.masked_word_head.is_trained
    expected = {"no head": "came without a head", "half a head": r"lack 2 tensors of the head .*\(lm_head\.dense"}
    assert re.search(expected[lacking], encoder.masked_word_head.reason)
    fresh = build_fresh_head(encoder.model).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in encoder.masked_word_head.state_dict().items())
    body = model.base_model.state_dict()
    found = {name: value for name, value in encoder.model.state_dict().items() if "pool" not in name}
    assert all(torch.equal(value, body[name]) for name, value in found.items())


def test_a_head_that_the_configuration_does_not_name_is_found(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, XLMRobertaForMaskedLM(XLMRobertaConfig(**SHAPE)))
    change_fields(folder / "config.json", architectures=None)
    assert load_encoder(str(folder)).masked_word_head.is_trained and check_encoder(folder, 1, ("mlm",)).has_new_head


def test_a_head_of_another_layout_is_refused_by_what_it_computes(tmp_path: Path) -> None:
    shape = {"embedding_size": 8, "intra_bottleneck_size": 16, "true_hidden_size": 16}
    folder = checkpoint(tmp_path, MobileBertForMaskedLM(MobileBertConfig(**(SMALL | shape))))
    head = load_encoder(str(folder)).masked_word_head
    (note,) = check_encoder(folder, 1, ("mlm",)).notes
    assert (
        not head.is_trained
        and head.reason == "MobileBertForMaskedLM guesses otherwise than by a dense layer, a norm and an output matrix"
    )
    assert head.reason in note and check_encoder(folder, 1, ("pair",)).notes == ()
