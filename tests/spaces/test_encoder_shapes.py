"""Shapes by which a plan counts: against the weights of models, which take no memory here, and published sizes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from spaces.encoders import ENCODER_SHAPES, shape_of

SIZE = {
    **{"hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 640},
    **{"vocab_size": 3000, "max_position_embeddings": 514, "pad_token_id": 1},
}
KINDS: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in ("bert", "xlm-roberta", "xlm-roberta-xl", "mpnet", "modernbert", "nomic_bert")},
    "eurobert": {"num_key_value_heads": 2},
    "gemma3_text": {"num_key_value_heads": 1, "head_dim": 64},
    "deberta-v2": {"relative_attention": True, "position_biased_input": False, "share_att_key": True},
}
PUBLISHED = {  # millions of all parameters, as papers and model cards say
    "FacebookAI/xlm-roberta-large": 559,
    "FacebookAI/xlm-roberta-base": 278,
    "facebook/xlm-roberta-xl": 3480,
    "google-bert/bert-base-multilingual-cased": 178,
    "intfloat/multilingual-e5-small": 118,
    "microsoft/mdeberta-v3-base": 278,
    "jhu-clsp/mmBERT-small": 140,
    "jhu-clsp/mmBERT-base": 307,
    "EuroBERT/EuroBERT-210m": 212,
    "EuroBERT/EuroBERT-610m": 608,
    "EuroBERT/EuroBERT-2.1B": 2_110,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_gives_the_number_of_weights(kind: str, tmp_path: Path) -> None:
    config = AutoConfig.for_model(kind, **SIZE | KINDS[kind])
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    config.save_pretrained(tmp_path)
    shape = shape_of(str(tmp_path))
    assert shape is not None
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    in_layers = sum(size for name, size in sizes.items() if re.search(r"layers?\.\d+\.", name))
    assert shape.parameters == pytest.approx(sum(sizes.values()), rel=0.07), "relative positions have a small table"
    assert shape.layer_parameters == pytest.approx(in_layers, rel=0.01)


@pytest.mark.parametrize("name", PUBLISHED)
def test_known_encoders_have_their_published_sizes(name: str) -> None:
    assert ENCODER_SHAPES[name].parameters / 1e6 == pytest.approx(PUBLISHED[name], rel=0.01)


def test_a_configuration_that_lacks_a_size_has_no_shape(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8, "model_type": "bert"}))
    assert shape_of(str(tmp_path)) is None and shape_of(str(tmp_path / "nothing")) is None
