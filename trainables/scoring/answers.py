"""Scores of extracted answers by the official scripts of SQuAD 1.1, SQuAD 2.0 and MLQA.

The scripts differ in how they normalise answers, and in the score of an empty answer. XTREME scores XQuAD and TyDiQA
with the script of SQuAD 1.1, whose normalisation is made for English, in every language: Chinese or Thai text without
blanks is one word, so F1 is nearly exact match there. This is kept.
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

# Articles by MLQA's script. Arabic: the first half of the expression can never match (a blank, then the start of the
# text); the second half deletes the two letters anywhere, inside a word too. Hindi and Chinese have no articles.
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
    """Return `exact_match` and `f1` (0 to 1). Their mean is a task score of XTREME.

    `gold` is (questions, accepted answers) and `predicted` (questions,). Of several accepted answers the best one
    counts. `language` is that of the context, which MLQA's normalisation depends on. With SQuAD 2.0's script, its
    HasAns and NoAns figures are added: `has_answer_exact_match` and `has_answer_f1` over the questions with an answer,
    `no_answer_accuracy` over those without. A part without questions is omitted.

    Raises ValueError if lengths differ, if a question without answers is not scored by SQuAD 2.0's script, or if MLQA's
    script has no rule for the language.
    """
    by_question = score_each_answer(gold, predicted, language, rule)
    exact, f1 = by_question["exact_match"], by_question["f1"]
    scores = {name: _mean(values) for name, values in by_question.items()}
    if rule == "squad2":
        answerable = [i for i, answers in enumerate(gold) if answers]
        unanswerable = [i for i, answers in enumerate(gold) if not answers]
        if answerable:
            scores["has_answer_exact_match"] = _mean([exact[i] for i in answerable])
            scores["has_answer_f1"] = _mean([f1[i] for i in answerable])
        if unanswerable:
            scores["no_answer_accuracy"] = _mean([exact[i] for i in unanswerable])
    return scores


def score_each_answer(
    gold: Sequence[Sequence[str]], predicted: Sequence[str], language: str, rule: AnswerScript
) -> dict[str, list[float]]:
    """Return `exact_match` and `f1` of each question (0 to 1). Arguments and errors are those of `score_answers`."""
    check_lengths(gold, predicted)
    normalise = choose_normaliser(rule, language)
    exact, f1 = [], []
    for answers, prediction in zip(gold, predicted, strict=True):
        guess, accepted = normalise(prediction), _normalise_accepted(answers, normalise, rule)
        exact.append(float(guess in accepted))
        f1.append(max(_word_f1(answer.split(), guess.split(), rule) for answer in accepted))
    return {"exact_match": exact, "f1": f1}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _normalise_accepted(answers: Sequence[str], normalise: Normaliser, rule: AnswerScript) -> list[str]:
    """Return the normalised accepted answers.

    In SQuAD 2.0 an answer that is empty after normalisation ("The") does not count, and if none is left, no answer is
    right. In SQuAD 1.1 and MLQA it counts.
    """
    texts = [normalise(answer) for answer in answers]
    if rule == "squad2":
        return [text for text in texts if text] or [""]
    if not texts:
        raise ValueError(f"the script {rule!r} cannot score a question without accepted answers.")
    return texts


def _word_f1(answer: Sequence[str], guess: Sequence[str], rule: AnswerScript) -> float:
    """Return the F1 of two bags of words. Two empty bags score 1 in SQuAD 2.0, and 0 in SQuAD 1.1 and MLQA."""
    if not answer and not guess:
        return float(rule == "squad2")
    return 2 * sum((Counter(answer) & Counter(guess)).values()) / (len(answer) + len(guess))


def choose_normaliser(rule: AnswerScript, language: str) -> Normaliser:
    """Return the script's normalisation of answers; raise ValueError for a language that MLQA's script lacks."""
    if rule != "mlqa":
        return normalise_squad
    if language not in _MLQA_ARTICLES:
        raise ValueError(f"MLQA's script has no rule for {language!r}: it has rules for {', '.join(_MLQA_ARTICLES)}.")
    return functools.partial(normalise_mlqa, language=language)


def normalise_squad(text: str) -> str:
    """Return the text in lower case, without ASCII punctuation and English articles, with single blanks (SQuAD)."""
    text = "".join(letter for letter in text.lower() if letter not in _ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", text).split())


def normalise_mlqa(text: str, language: str) -> str:
    """Return the text in lower case, without any punctuation and the language's articles; Chinese is split (MLQA)."""
    text = "".join(letter for letter in text.lower() if letter not in _punctuation())
    articles = _MLQA_ARTICLES[language]
    if articles is not None:
        text = articles.sub(" ", text)
    if language == "zh":
        text = _CHINESE.sub(r" \1 ", text)
    return " ".join(text.split())


@functools.cache
def _punctuation() -> frozenset[str]:
    """Return every character of a Unicode category P*, and all ASCII punctuation (which has symbols such as $, too)."""
    letters = map(chr, range(sys.maxunicode))
    marks = {letter for letter in letters if unicodedata.category(letter).startswith("P")}
    return frozenset(marks | _ASCII_PUNCTUATION)
