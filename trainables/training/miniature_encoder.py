"""The miniature's encoder before its first step: tokenizer, architecture and training texts of a world."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

from spaces.encoders import MINIATURE_PRETRAINING, MiniatureRecipe
from trainables.miniature.corpus import generate_corpus
from trainables.miniature.world import MAX_TOKENS, World, build_tokenizer
from trainables.training.pretraining import Pretraining, TrainingText

TEXTS_PER_CALL = 4000  # texts per call of the tokenizer: what it returns is many times as large as the ids


def start_pretraining(world: World, recipe: MiniatureRecipe = MINIATURE_PRETRAINING) -> Pretraining:
    """Return the pretraining of a world's encoder before its first step; another world has other initial weights."""
    words = build_tokenizer(world)
    written = list(generate_corpus(world.lexicon, world.seed, recipe.texts + recipe.held_out))
    firsts = _tokenize(words, [text.first for text in written])
    seconds = _tokenize(words, [text.second or "" for text in written])
    texts = [TrainingText(first, second) for first, second in zip(firsts, seconds, strict=True)]
    config = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        bos_token_id=words.bos_token_id,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    return Pretraining(config, words, texts[recipe.held_out :], texts[: recipe.held_out], recipe, world.seed)


def _tokenize(words: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the token ids of each text, without special tokens."""
    encode = words.backend_tokenizer.encode_batch_fast
    portions = (texts[start : start + TEXTS_PER_CALL] for start in range(0, len(texts), TEXTS_PER_CALL))
    return [tuple(row.ids) for portion in portions for row in encode(list(portion), add_special_tokens=False)]
