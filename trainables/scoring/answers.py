"""Scores of extracted answers by the official scripts of SQuAD 1.1, SQuAD 2.0 and MLQA.

They differ in what makes two answers comparable, and in what an empty answer is worth. XTREME scores XQuAD and TyDiQA
with SQuAD 1.1's script, whose normalisation is made for English, in every language: Chinese or Thai text without
blanks is one word, so that F1 is nearly exact match there. That is kept.
"""

import functools
import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from spaces.task import AnswerScript
from trainables.scoring.metrics import check_lengths

Normaliser = Callable[[str], str]

_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = frozenset(string.punctuation)

# Articles by MLQA's rule. Arabic: the first half of the expression can never match (a blank, then the start of the
# text), the second deletes the two letters anywhere, also inside a word. Hindi and Chinese have none.
_MLQA_ARTICLES: dict[str, re.Pattern[str] | None] = {
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "ar": re.compile("\\s\u0627\u0644^|\u0627\u0644"),
    "hi": None,
    "zh": None,
}
_CHINESE = re.compile("([\u4e00-\u9fa5])")


def score_answers(
    gold: Sequence[Sequence[str]], predicted: Sequence[str], language: str, rule: AnswerScript
) -> dict[str, float]:
    """`exact_match` and `f1` as shares from 0 to 1; their mean is a task score of XTREME.

    `gold`: (questions, accepted answers), `predicted`: (questions,); of several accepted answers the best counts.
    `language` is that of the context, by which MLQA normalises. With SQuAD 2.0's rule the figures that its script
    calls HasAns and NoAns stand beside: `has_answer_exact_match` and `has_answer_f1` over the questions that have an
    answer, `no_answer_accuracy` over those that have none; a part without questions is left out.

    Raises ValueError on unequal lengths, for a question without answers that is not scored by SQuAD 2.0's rule, and
    for a language that MLQA's rule does not know.
    """
    worth = score_each_answer(gold, predicted, language, rule)
    exact, f1 = worth["exact_match"], worth["f1"]
    scores = {name: _mean(values) for name, values in worth.items()}
    if rule == "squad2":
        has = [i for i, answers in enumerate(gold) if answers]
        none = [i for i, answers in enumerate(gold) if not answers]
        if has:
            scores["has_answer_exact_match"] = _mean([exact[i] for i in has])
            scores["has_answer_f1"] = _mean([f1[i] for i in has])
        if none:
            scores["no_answer_accuracy"] = _mean([exact[i] for i in none])
    return scores


def score_each_answer(
    gold: Sequence[Sequence[str]], predicted: Sequence[str], language: str, rule: AnswerScript
) -> dict[str, list[float]]:
    """`exact_match` and `f1` of each question, from 0 to 1; arguments and errors as of `answer_scores`."""
    check_lengths(gold, predicted)
    normalise = choose_normaliser(rule, language)
    exact, f1 = [], []
    for answers, guess in zip(gold, predicted, strict=True):
        found, accepted = normalise(guess), _normalise_accepted(answers, normalise, rule)
        exact.append(float(found in accepted))
        f1.append(max(_word_f1(answer.split(), found.split(), rule) for answer in accepted))
    return {"exact_match": exact, "f1": f1}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _normalise_accepted(answers: Sequence[str], normalise: Normaliser, rule: AnswerScript) -> list[str]:
    """The accepted answers as they are compared.

    In SQuAD 2.0 an answer that normalisation leaves empty ("The") does not count, and where none is left, no answer is
    the right one. In SQuAD 1.1 and MLQA it stays.
    """
    texts = [normalise(answer) for answer in answers]
    if rule == "squad2":
        return [text for text in texts if text] or [""]
    if not texts:
        raise ValueError(f"a question without accepted answers cannot be scored by the rule {rule!r}.")
    return texts


def _word_f1(answer: Sequence[str], guess: Sequence[str], rule: AnswerScript) -> float:
    """F1 of two bags of words; two empty ones are worth 1 in SQuAD 2.0, and 0 in SQuAD 1.1 and MLQA."""
    if not answer and not guess:
        return float(rule == "squad2")
    return 2 * sum((Counter(answer) & Counter(guess)).values()) / (len(answer) + len(guess))


def choose_normaliser(rule: AnswerScript, language: str) -> Normaliser:
    """The function that makes answers comparable; raises ValueError for a language that MLQA's rule does not know."""
    if rule != "mlqa":
        return normalise_squad
    if language not in _MLQA_ARTICLES:
        raise ValueError(f"MLQA's rule knows {', '.join(_MLQA_ARTICLES)}, not {language!r}.")
    return functools.partial(normalise_mlqa, language=language)


def normalise_squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks (SQuAD 1.1 and 2.0)."""
    kept = "".join(letter for letter in text.lower() if letter not in _ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", kept).split())


def normalise_mlqa(text: str, language: str) -> str:
    """MLQA's rule for an answer in `language`: punctuation of every script, own articles, Chinese by character."""
    kept = "".join(letter for letter in text.lower() if letter not in _punctuation())
    articles = _MLQA_ARTICLES[language]
    if articles is not None:
        kept = articles.sub(" ", kept)
    if language == "zh":
        kept = _CHINESE.sub(r" \1 ", kept)
    return " ".join(kept.split())


@functools.cache
def _punctuation() -> frozenset[str]:
    """Every character of a Unicode category P*, and all ASCII punctuation (which has symbols such as $, too)."""
    everything = map(chr, range(sys.maxunicode))
    marks = {letter for letter in everything if unicodedata.category(letter).startswith("P")}
    return frozenset(marks | _ASCII_PUNCTUATION)
