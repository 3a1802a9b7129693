"""Layers, positions and dropout are read off the model, or by a rule where the configuration names none."""

from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    FNetConfig,
    FNetModel,
    FunnelConfig,
    FunnelModel,
    NystromformerConfig,
    NystromformerModel,
    PreTrainedModel,
    XLNetConfig,
    XLNetModel,
)

from spaces.encoders import PROFILES
from tests.encoder_folders import build_xlmr
from tests.trainables.conftest import TOKENIZER
from trainables.models.encoder import Encoder
from trainables.models.encoder_shape import UnevenLayersError, count_layers, count_positions, read_dropout
from trainables.models.forward_check import check_forward
from trainables.models.masked_words import build_fresh_head
from trainables.models.weight_files import RefusedEncoderError
from trainables.retrieval.embeddings import embed, official_layer_of, select_layers

VOCABULARY = len(TOKENIZER)
BERT: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
FUNNEL: dict[str, Any] = {"vocab_size": VOCABULARY, "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 32}
XLNET: dict[str, Any] = {"vocab_size": VOCABULARY, "d_model": 16, "n_layer": 3, "n_head": 2, "d_inner": 32, "d_head": 8}


def encoder_of(model: PreTrainedModel) -> Encoder:
    return Encoder(model, TOKENIZER, masked_word_head=build_fresh_head(model))


def test_layers_are_counted_and_the_mode_of_the_model_stays() -> None:
    model = build_xlmr(60, num_hidden_layers=3)
    model.config.num_hidden_layers = 7  # what it says does not count
    for mode in (True, False):
        model.train(mode)
        assert count_layers(model) == 3 and model.training == mode
    other, before = build_xlmr(60, num_hidden_layers=1), torch.random.get_rng_state()
    assert count_layers(other.train()) == 1 and torch.equal(before, torch.random.get_rng_state())


def test_layers_of_different_lengths_serve_all_but_retrieval() -> None:
    model = FunnelModel(FunnelConfig(**FUNNEL, block_sizes=[1, 1], architectures=["FunnelModel"]))
    with pytest.raises(
        UnevenLayersError, match=r"layers of FunnelModel give states of different shapes \(4 x 16 and 8"
    ):
        count_layers(model)
    (note,) = check_forward(model, ("pair", "tagging"), gives_types=True)
    assert "depend on the padding" in note
    with pytest.raises(RefusedEncoderError, match=r"retrieval reads every layer\. Leave out the retrieval tasks"):
        check_forward(model, ("retrieval",), gives_types=True)


def test_a_model_without_positions_in_its_configuration_is_searched() -> None:
    encoder = encoder_of(XLNetModel(XLNetConfig(**XLNET)))
    assert count_positions(encoder.model) is None
    profile = PROFILES["pretrained"]
    assert official_layer_of(encoder, profile) == 2 and select_layers(encoder, profile, 10) == (0, 1, 2, 3)
    (vectors,) = embed(encoder, ["a " * 600, "b"], [3])
    assert vectors.shape == (2, 16) and torch.isfinite(vectors).all()


@pytest.mark.parametrize(
    ("model", "positions"),
    [
        (lambda: build_xlmr(60), 512),  # after the row of the padding
        (lambda: BertModel(BertConfig(**BERT)), 512),
        (lambda: NystromformerModel(NystromformerConfig(**BERT, num_hidden_layers=1)), 510),  # the table has 512 rows
    ],
)
def test_positions_are_the_fewer_of_table_and_configuration(model: Any, positions: int) -> None:
    assert count_positions(model()) == positions


@pytest.mark.parametrize(
    ("config", "dropout"),
    [
        (BertConfig(hidden_dropout_prob=0.3), 0.3),
        (BertConfig(hidden_dropout_prob=0.0), 0.0),
        (DistilBertConfig(dropout=0.2), 0.2),
        (FunnelConfig(hidden_dropout=0.25), 0.25),
        (XLNetConfig(dropout=0.15), 0.15),
    ],
)
def test_heads_have_the_dropout_of_the_encoder_by_whatever_name(config: Any, dropout: float) -> None:
    assert read_dropout(config) == dropout


def test_a_model_whose_states_depend_on_padding_is_noted() -> None:
    small = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 32}
    (note,) = check_forward(FNetModel(FNetConfig(**small)), (), gives_types=True)
    assert "depend on the padding beside a text" in note
    distil = DistilBertModel(DistilBertConfig(vocab_size=30, dim=16, n_layers=1, n_heads=2, hidden_dim=32))
    for model in (build_xlmr(60), BertModel(BertConfig(**BERT, num_hidden_layers=1)), distil):
        assert check_forward(model, (), gives_types=True) == ()
