"""The small encoder's tokenizer: sub-tokens by a unigram model, trained on the spot, with XLM-R's special tokens."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # bos, pad and eos have the ids that XLM-R gives them


def train_tokenizer(
    texts: Sequence[str], vocabulary: int, longest: int, *, keep_marks: bool
) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary` sub-tokens; the same texts give the same tokenizer.

    Old editions write accents differently from today's text, if at all, so that Greek and Latin letters lose them;
    with `keep_marks` Latin ones keep theirs (Vietnamese is nothing without them).
    """
    letters = r"\p{Greek}" if keep_marks else r"\p{Greek}\p{Latin}"
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.Replace(Regex(rf"(?<=[{letters}])\p{{Mn}}+"), ""),
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace("\u0307", ""),  # what lower case leaves of the dot of the Turkish capital
        ]
    )
    # Marks of punctuation stand alone: some of the text has a blank before them and some has not.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.Punctuation()]
    )
    trainer = UnigramTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), unk_token="<unk>", show_progress=False, max_piece_length=12
    )
    with _one_thread():
        tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(name, SPECIAL.index(name)) for name in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        tokenizer_object=tokenizer,
        model_max_length=longest,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_input_names=["input_ids", "attention_mask"],
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads have no fixed order, and with it no fixed last digit."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
