"""Words given one by one, encoded as they stand in their sentence: no word may be glued to the one before it.

XLM-R's tokenizer puts a blank before every word that it is given, and BERT's marks the pieces inside words. Byte-level
and Gemma-style tokenizers (RoBERTa, ModernBERT, mmBERT, EuroBERT) do neither: to them a word without its blank is the
inside of a longer one. They are given the blank with the word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

# Texts of several scripts, as their languages write them (UDHR, article 1), with blanks between words and signs.
SENTENCES = (
    "All human beings are born free , and equal in dignity and rights .",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren",
    "Все люди рождаются свободными и равными в своем достоинстве и правах",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια",
    "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다",
    "人人 生而 自由 在 尊严 和 权利 上 一律 平等 。",
)
LEAST_ALIKE = len(SENTENCES) // 2  # a tokenizer that merges a few words across blanks is still of use


@dataclass(frozen=True, slots=True)
class WordStyle:
    """How a tokenizer must be given words: bare, or each with the blank before it.

    `alike` is the number of SENTENCES whose words are then encoded as in the whole sentence.
    """

    with_blanks: bool
    alike: int


def find_word_style(tokenizer: PreTrainedTokenizerBase) -> WordStyle:
    """Return the way of giving words that agrees most with the encoding of whole sentences; of equal ways, bare words.

    Raises ValueError if most sentences agree in neither way.
    """
    split = [sentence.split() for sentence in SENTENCES]
    wanted = tokenizer(list(SENTENCES), add_special_tokens=False)["input_ids"]
    counts = []
    for words in (split, [_add_blanks(words) for words in split]):
        ids = tokenizer(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]
        counts.append(sum(one == other for one, other in zip(ids, wanted, strict=True)))
    if max(counts) < LEAST_ALIKE:
        raise ValueError(
            f"the tokenizer encodes words one by one as in their sentence in {max(counts)} of {len(SENTENCES)} "
            f"sentences; {LEAST_ALIKE} are needed, or tags would be read off pieces of other words. "
            "Leave out the tagging tasks, or give an encoder whose tokenizer splits texts at blanks."
        )
    return WordStyle(with_blanks=counts[1] > counts[0], alike=max(counts))


def prepare_words(tokenizer: PreTrainedTokenizerBase, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the words of each sentence as the tokenizer must be given them."""
    with_blanks = find_word_style(tokenizer).with_blanks
    return [_add_blanks(words) if with_blanks else list(words) for words in sentences]


def _add_blanks(words: Sequence[str]) -> list[str]:
    """Return the words with a blank before each but the first; a word of blanks stays as it is."""
    return [f" {word}" if i and word.strip() else word for i, word in enumerate(words)]
