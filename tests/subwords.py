"""A sub-word tokenizer that is trained on the spot, for tests and benchmarks that need one like XLM-R's."""

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from trainables.miniature.tokens import SPECIAL_TOKENS, wrap_tokenizer


def train_subwords(texts: Sequence[str], vocabulary: int, max_length: int = 512) -> PreTrainedTokenizerFast:
    """Return a byte-pair tokenizer of at most `vocabulary` pieces. A blank belongs to the word after it."""
    tokenizer = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.Punctuation()]
    )
    trainer = BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL_TOKENS), show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap_tokenizer(tokenizer, max_length, AddedToken("<mask>", lstrip=True, special=True))
