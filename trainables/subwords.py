"""The small encoder's tokenizer: sub-tokens by byte-pair encoding, trained on the spot, with XLM-R's special tokens.

XLM-R's own kind of tokenizer, a unigram model, will not do here: its trainer in `tokenizers` (0.23) walks through a map
in random order, so that the same text gives another vocabulary each time, and no run could be continued bit for bit.
It also aligns worse here: held-out verses found by word vectors alone .67 of the time against .50.
"""

from collections.abc import Sequence

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

LONGEST_PIECE = 12  # characters: text without blanks would else give whole sentences
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # bos, pad and eos have the ids that XLM-R gives them


def train_tokenizer(
    texts: Sequence[str], vocabulary: int, longest: int, *, keep_marks: bool
) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary` sub-tokens; the same texts give the same tokenizer.

    Old editions write accents differently from today's text, if at all, so that Greek and Latin letters lose them;
    with `keep_marks` Latin ones keep theirs (Vietnamese is nothing without them).
    """
    letters = r"\p{Greek}" if keep_marks else r"\p{Greek}\p{Latin}"
    tokenizer = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True))
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
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        show_progress=False,
        max_token_length=LONGEST_PIECE,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(name, SPECIAL.index(name)) for name in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
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
