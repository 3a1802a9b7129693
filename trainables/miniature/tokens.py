"""The tokenizer of the miniature: words and suffixes are tokens (`kadu-v` is `kadu` and `-v`)."""

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # their ids are their positions, as in XLM-R


def build_word_tokenizer(vocabulary: list[str], max_length: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer for these words and suffixes. Its inputs have at most `max_length` tokens."""
    ids = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *vocabulary))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("-"), "merged_with_next")]
    )
    return wrap_tokenizer(tokenizer, max_length)


def wrap_tokenizer(
    tokenizer: Tokenizer, max_length: int, mask_token: str | AddedToken = "<mask>"
) -> PreTrainedTokenizerFast:
    """Return the tokenizer with XLM-R's special tokens and templates, `<s> A </s></s> B </s>`, for `transformers`."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, SPECIAL_TOKENS.index(token)) for token in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=mask_token,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
