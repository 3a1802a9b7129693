"""The pretraining of the miniature's encoder: about a minute on one core."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transformers import XLMRobertaConfig

from spaces.own_encoders import MINIATURE_PRETRAINING
from trainables.miniature.corpus import corpus
from trainables.miniature.world import LONGEST, World, tokenizer
from trainables.pretrain import Options, Pretraining, Text

RECIPE: Mapping[str, Any] = asdict(MINIATURE_PRETRAINING)


def start(of: World, recipe: Mapping[str, Any] = RECIPE) -> Pretraining:
    """The pretraining from its beginning, with a MiniatureRecipe as a mapping; each world has its own first weights."""
    own = {**RECIPE, **recipe}
    if unknown := own.keys() - RECIPE.keys():
        raise ValueError(
            f"the miniature's pretraining has no {', '.join(sorted(unknown))}; it has {', '.join(RECIPE)}."
        )
    words = tokenizer(of)
    written = list(corpus(of.lexicon, of.seed, own["texts"] + own["held_out"]))
    sides = [text.first for text in written] + [text.second or "" for text in written]
    ids: list[list[int]] = words(sides, add_special_tokens=False)["input_ids"]
    texts = [Text(first, second) for first, second in zip(ids[: len(written)], ids[len(written) :], strict=True)]
    config = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=own["width"],
        num_hidden_layers=own["layers"],
        num_attention_heads=own["heads"],
        intermediate_size=own["inner"],
        max_position_embeddings=LONGEST + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        bos_token_id=words.bos_token_id,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    options = Options(
        steps=own["steps"],
        batch_size=own["batch_size"],
        learning_rate=own["learning_rate"],
        masking=own["masking"],
        seed=of.seed,
    )
    return Pretraining(config, words, texts[own["held_out"] :], texts[: own["held_out"]], options)
