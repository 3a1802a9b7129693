"""The pretraining of the miniature's encoder: about a minute on one core."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

from spaces.own_encoders import MINIATURE_PRETRAINING, MiniatureRecipe
from trainables.miniature.corpus import corpus
from trainables.miniature.world import LONGEST, World, tokenizer
from trainables.pretrain import Options, Pretraining, Text

PORTION = 4000  # texts that the tokenizer sees at once: what it returns is many times as large as the ids in it


def start(of: World, recipe: MiniatureRecipe = MINIATURE_PRETRAINING) -> Pretraining:
    """The pretraining from its beginning; another world starts from other weights, too."""
    words = tokenizer(of)
    written = list(corpus(of.lexicon, of.seed, recipe.texts + recipe.held_out))
    firsts = _ids(words, [text.first for text in written])
    seconds = _ids(words, [text.second or "" for text in written])
    texts = [Text(first, second) for first, second in zip(firsts, seconds, strict=True)]
    config = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
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
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        masking=recipe.masking,
        seed=of.seed,
    )
    return Pretraining(config, words, texts[recipe.held_out :], texts[: recipe.held_out], options)


def _ids(words: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Token ids without special tokens."""
    encode = words.backend_tokenizer.encode_batch_fast
    portions = (texts[place : place + PORTION] for place in range(0, len(texts), PORTION))
    return [tuple(row.ids) for portion in portions for row in encode(list(portion), add_special_tokens=False)]
