"""What a ready encoder must have in common with the start encoder."""

import json
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from tests.trainables.conftest import SHAPE, TOKENIZER
from trainables.miniature import world
from trainables.models.encoder_likeness import find_unlikeness, list_card_datasets


def folder_of(path: Path, model: XLMRobertaModel | BertModel, world_seed: int = 0) -> Path:
    model.save_pretrained(path)
    world.build_tokenizer(world.build_world(world_seed)).save_pretrained(path)
    return path


def xlmr(**changes: int) -> XLMRobertaModel:
    return XLMRobertaModel(XLMRobertaConfig(**{**SHAPE, **changes}))


@pytest.fixture
def start(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "start", xlmr())


def test_another_training_of_the_same_form_is_alike(start: Path, tmp_path: Path) -> None:
    other = folder_of(tmp_path / "other", xlmr())
    config = json.loads((other / "config.json").read_text())
    labelled = {**config, "id2label": {"0": "yes"}, "hidden_dropout_prob": 0.3, "architectures": ["AnyHead"]}
    (other / "config.json").write_text(json.dumps(labelled))
    assert find_unlikeness(start, other) is None


def test_each_difference_is_named(start: Path, tmp_path: Path) -> None:
    bert = BertModel(BertConfig(**{**SHAPE, "max_position_embeddings": 80}))
    assert "it is of type bert" in str(find_unlikeness(start, folder_of(tmp_path / "bert", bert)))
    deep = folder_of(tmp_path / "deep", xlmr(num_hidden_layers=3))
    assert "its encoder.layer.2." in str(find_unlikeness(start, deep)) and "is missing" in str(
        find_unlikeness(start, deep)
    )
    heads = folder_of(tmp_path / "heads", xlmr(num_attention_heads=4))
    assert find_unlikeness(start, heads) == "it has 4 attention heads, and the start encoder has 2"
    words = folder_of(tmp_path / "words", xlmr(vocab_size=len(TOKENIZER) + 8))
    assert "its embeddings.word_embeddings.weight is" in str(find_unlikeness(start, words))
    other_world = folder_of(tmp_path / "world", xlmr(), world_seed=1)
    assert "its tokenizer has another vocabulary" in str(find_unlikeness(start, other_world))


def test_a_card_names_what_an_encoder_was_trained_on(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    for header, expected in (("datasets:\n- xnli\n- org/x\n", ("xnli", "org/x")), ("license: mit\n", ())):
        card.write_text(f"---\n{header}---\n# A model\n")
        assert list_card_datasets(card) == expected
    card.write_text("# no header\n")
    assert list_card_datasets(card) == ()
    card.write_text("---\ndatasets: [\n---\n")
    with pytest.raises(ValueError, match=r"its card README\.md cannot be read"):
        list_card_datasets(card)
