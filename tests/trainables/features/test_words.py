"""Words are encoded as they stand in their sentence, with tokenizers of every style."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
import tokenizers as tk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast, PreTrainedTokenizerBase, RobertaTokenizerFast

from spaces.encoders import PROFILES
from spaces.task import Recipe
from tests.subwords import train_subwords
from tests.trainables.conftest import TOKENIZER
from trainables.features.examples import TaggingExample
from trainables.features.features import collate
from trainables.features.words import SENTENCES, WordStyle, find_word_style
from trainables.kinds import tagging
from trainables.miniature.tokens import SPECIAL_TOKENS, wrap_tokenizer

TEXTS = [*SENTENCES, *SENTENCES]


def train(model: Any, pre_tokenizer: Any, trainer: Any, normalizer: Any = None) -> PreTrainedTokenizerBase:
    tokenizer = tk.Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(TEXTS, trainer)
    return wrap_tokenizer(tokenizer, 512)


def byte_level(add_prefix_space: bool = False) -> PreTrainedTokenizerBase:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL_TOKENS], initial_alphabet=alphabet)
    return train(models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space), trainer)


def roberta() -> PreTrainedTokenizerBase:
    tokenizer = tk.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL_TOKENS], initial_alphabet=alphabet)
    )
    return RobertaTokenizerFast(tokenizer_object=tokenizer)


def gemma() -> PreTrainedTokenizerBase:
    """Blanks become a visible sign before the text is split at them; nothing stands before the first word."""
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL_TOKENS])
    split = pre_tokenizers.Split("▁", "merged_with_next")
    return train(models.BPE(unk_token="<unk>", fuse_unk=True), split, trainer, normalizers.Replace(" ", "▁"))


def gemma_unsplit() -> PreTrainedTokenizerBase:
    """As published: the text is one piece, and merges do not cross the sign."""
    tokenizer = gemma()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    return tokenizer


def llama3() -> PreTrainedTokenizerBase:
    """Byte-level pieces of texts split by another expression: digits in threes, without the blank before them."""
    rule = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"
    split = pre_tokenizers.Split(Regex(rule), "isolated")
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL_TOKENS], initial_alphabet=alphabet)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return train(models.BPE(), pre_tokenizers.Sequence([split, byte_level]), trainer)


def unigram() -> PreTrainedTokenizerBase:
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=[*SPECIAL_TOKENS], unk_token="<unk>")
    return train(models.Unigram(), pre_tokenizers.Metaspace(), trainer, normalizers.NFKC())


def word_piece() -> PreTrainedTokenizerBase:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = tk.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special))
    return BertTokenizerFast(vocab=tokenizer.get_vocab())


BLANKS: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "byte-level": byte_level,
    "roberta": roberta,
    "gemma": gemma,
    "gemma-unsplit": gemma_unsplit,
    "llama-3": llama3,
}
NO_BLANKS: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "unigram": unigram,
    "word-piece": word_piece,
    "byte-level-with-prefix": lambda: byte_level(add_prefix_space=True),
    "bpe-metaspace": lambda: train_subwords(TEXTS, 400),
    "miniature": lambda: TOKENIZER,
}


def encode(tokenizer: PreTrainedTokenizerBase, *sentences: list[str]) -> list[list[int]]:
    examples = [TaggingExample(words=tuple(words), tags=(0,) * len(words)) for words in sentences]
    recipe = Recipe(steps=1, max_length=400)
    features = tagging.encode(tokenizer, examples, recipe, PROFILES["pretrained"])
    return [feature.rows[0].tolist() for feature in features]


@pytest.mark.parametrize("name", BLANKS | NO_BLANKS)
def test_words_are_encoded_as_their_sentence(name: str) -> None:
    tokenizer = (BLANKS | NO_BLANKS)[name]()
    assert find_word_style(tokenizer) == WordStyle(with_blanks=name in BLANKS, alike=len(SENTENCES))
    rows = encode(tokenizer, *(sentence.split() for sentence in SENTENCES))
    assert rows == tokenizer(list(SENTENCES))["input_ids"]


@pytest.mark.parametrize("name", NO_BLANKS)
def test_encodings_of_xlmr_and_bert_like_tokenizers_are_those_of_bare_words(name: str) -> None:
    tokenizer = NO_BLANKS[name]()
    odd = ["", "a", " b", "c d", "Würde,", "\u200b", "。", "x" * 30]
    coded = tokenizer([odd], is_split_into_words=True, add_special_tokens=False)
    pieces: list[list[int]] = [[] for _ in odd]
    for token, word in zip(coded["input_ids"][0], coded.word_ids(0), strict=True):
        pieces[word].append(token)
    before, after = tokenizer("")["input_ids"]
    wanted = chain.from_iterable(ids or [tokenizer.unk_token_id] for ids in pieces)
    assert encode(tokenizer, odd) == [[before, *wanted, after]]


def test_a_word_that_is_dropped_has_a_token_without_an_unknown_one_too() -> None:
    tokenizer = byte_level()
    tokenizer.unk_token = None
    assert encode(tokenizer, ["a", "", "b"])[0].count(tokenizer.mask_token_id) == 1


def test_a_tokenizer_that_ignores_blanks_is_refused() -> None:
    trainer = trainers.BpeTrainer(vocab_size=5000, special_tokens=[*SPECIAL_TOKENS])
    tokenizer = train(models.BPE(unk_token="<unk>"), None, trainer)
    with pytest.raises(ValueError, match=r"in 0 of 8 sentences; 4 are needed"):
        find_word_style(tokenizer)


WORD = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S")), min_size=1, max_size=6)
BUILT = {name: build() for name, build in BLANKS.items()}


@pytest.mark.parametrize("name", BLANKS)
@given(words=st.lists(WORD, min_size=1, max_size=8))
@settings(max_examples=60)
def test_any_words_are_encoded_as_their_text(name: str, words: list[str]) -> None:
    assert encode(BUILT[name], words) == [BUILT[name](" ".join(words))["input_ids"]]


@pytest.mark.parametrize(
    ("template", "before", "after"),
    [("$A </s> <s>", 0, 2), ("<s> $A", 1, 0), ("<s> <s> $A </s>", 2, 1), ("$A", 0, 0)],
)
def test_special_tokens_stand_where_the_template_has_them(template: str, before: int, after: int) -> None:
    tokenizer = byte_level()
    specials = [("<s>", 0), ("</s>", 2)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template, pair=f"{template} $B", special_tokens=specials
    )
    sentences = [["freely"], ["All", "human", "beings"], ["Würde", "an"] * 9]
    examples = [TaggingExample(words=tuple(words), tags=(1,) * len(words)) for words in sentences]
    features = tagging.encode(tokenizer, examples, Recipe(steps=1, max_length=12), PROFILES["pretrained"])
    assert features[0].rows[0].tolist() == tokenizer("freely")["input_ids"]
    assert features[1].rows[0].tolist() == tokenizer("All human beings")["input_ids"]
    assert all(len(feature.rows[0]) <= 12 for feature in features)
    for together in (features, features[:1]):  # alone, a word has no padding after it
        batch = collate(together, 1, per_position=True, device=torch.device("cpu"))
        logits = torch.nn.functional.one_hot(batch["target"].clamp(min=0), 2).float()  # 1 on first pieces only
        guesses = tagging.decode(logits, batch, together)
        assert [len(tags) for tags in guesses] == [len(feature.origin) for feature in together]
        assert all(tag == 1 for tags in guesses for tag in tags)
