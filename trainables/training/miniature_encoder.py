"""The miniature's encoder before its first step: tokenizer, architecture and training texts of a world."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

from spaces.encoders import MINIATURE_PRETRAINING, MiniatureRecipe
from trainables.miniature.corpus import generate_corpus
from trainables.miniature.world import MAX_TOKENS, World, build_tokenizer
from trainables.training.pretraining import Pretraining, TrainingText

TEXTS_PER_CALL = 4000  # texts per call of the tokenizer: its output is many times as large as the ids


def start_pretraining(world: World, recipe: MiniatureRecipe = MINIATURE_PRETRAINING) -> Pretraining:
    """Return the pretraining of a world's encoder before its first step. Each world has its own initial weights."""
    tokenizer = build_tokenizer(world)
    corpus = list(generate_corpus(world.lexicon, world.seed, recipe.texts + recipe.held_out))
    firsts = _tokenize(tokenizer, [text.first for text in corpus])
    seconds = _tokenize(tokenizer, [text.second or "" for text in corpus])
    texts = [TrainingText(first, second) for first, second in zip(firsts, seconds, strict=True)]
    config = XLMRobertaConfig(
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
    return Pretraining(config, tokenizer, texts[recipe.held_out :], texts[: recipe.held_out], recipe, world.seed)


def _tokenize(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the token ids of each text, without special tokens."""
    encode = tokenizer.backend_tokenizer.encode_batch_fast
    chunks = (texts[start : start + TEXTS_PER_CALL] for start in range(0, len(texts), TEXTS_PER_CALL))
    return [tuple(row.ids) for chunk in chunks for row in encode(list(chunk), add_special_tokens=False)]
