"""The miniature's encoder before its first step: tokenizer, architecture and training texts of a world."""

from itertools import islice

import numpy as np
from transformers import PreTrainedTokenizerBase, XLMRobertaConfig

from spaces.encoders import MINIATURE_PRETRAINING, MiniatureRecipe
from trainables.features.features import Ids
from trainables.miniature.corpus import generate_corpus
from trainables.miniature.world import MAX_TOKENS, World, build_tokenizer
from trainables.training.pretraining import Pretraining

TEXTS_PER_CALL = 4000  # texts per call of the tokenizer: its output is many times as large as the ids


def start_pretraining(world: World, recipe: MiniatureRecipe = MINIATURE_PRETRAINING) -> Pretraining:
    """Return the pretraining of a world's encoder before its first step. Each world has its own initial weights."""
    tokenizer = build_tokenizer(world)
    encode = tokenizer.backend_tokenizer.encode_batch_fast
    corpus = generate_corpus(world.lexicon, world.seed, recipe.texts + recipe.held_out)
    inputs = (text.first if text.second is None else (text.first, text.second) for text in corpus)
    texts: list[Ids] = []
    while chunk := list(islice(inputs, TEXTS_PER_CALL)):
        texts += [np.array(row.ids, dtype=np.int32) for row in encode(chunk)]
    config, held_out = build_config(tokenizer, recipe), recipe.held_out
    return Pretraining(config, tokenizer, texts[held_out:], texts[:held_out], recipe, world.seed)


def build_config(
    tokenizer: PreTrainedTokenizerBase, recipe: MiniatureRecipe = MINIATURE_PRETRAINING
) -> XLMRobertaConfig:
    """Return the architecture of a world's encoder."""
    return XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
