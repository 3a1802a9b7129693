"""The pretraining of the miniature's encoder: about a minute on one core."""

from collections.abc import Mapping
from typing import Any

from transformers import XLMRobertaConfig

from trainables.miniature.corpus import corpus
from trainables.miniature.world import LONGEST, World, tokenizer
from trainables.pretrain import Options, Pretraining, Text

# What a pretraining stage of the miniature is keyed by; `start` takes it, in part or changed, from the stage.
RECIPE: Mapping[str, Any] = {
    "steps": 2600,
    "batch_size": 64,
    "learning_rate": 4e-3,
    "masking": 0.3,
    "texts": 60_000,
    "held_out": 300,
    "layers": 3,
    "width": 64,
    "heads": 4,
    "inner": 128,
}


def start(of: World, recipe: Mapping[str, Any] = RECIPE) -> Pretraining:
    """The pretraining from its beginning; another world starts from other weights, too."""
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
