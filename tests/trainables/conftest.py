"""A tiny encoder with the miniature's tokenizer: big enough to learn a little, small enough for milliseconds."""

from pathlib import Path

import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from trainables.data.task_data import DataSource
from trainables.miniature import world
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.masked_words import build_fresh_head
from trainables.record.context import StageContext
from trainables.storage.local_storage import LocalStorage

TOKENIZER = world.build_tokenizer(world.build_world())
SHAPE = {
    "vocab_size": len(TOKENIZER),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 80,
    "type_vocab_size": 1,
    "pad_token_id": TOKENIZER.pad_token_id,
}


def tiny_encoder(seed: int = 0) -> Encoder:
    dropout = 0.1  # so that random states matter
    config = XLMRobertaConfig(**SHAPE, hidden_dropout_prob=dropout)
    torch.manual_seed(seed)
    model = XLMRobertaModel(config, add_pooling_layer=False)
    tokenizer = world.build_tokenizer(world.build_world())  # a fresh one: calls change it
    return Encoder(model, tokenizer, masked_word_head=build_fresh_head(model))


@pytest.fixture
def encoder() -> Encoder:
    return tiny_encoder()


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    save_encoder(tiny_encoder(), folder)
    return folder


@pytest.fixture
def context(tmp_path: Path, encoder_folder: Path) -> StageContext:
    source = DataSource(benchmark="miniature", limit=60, test_limit=20)
    return StageContext(results=LocalStorage(tmp_path), source=source, model=str(encoder_folder))
