"""Scores of answers against hand-worked cases."""

import pytest

from spaces.task import AnswerScript
from trainables.scoring.answers import normalise_mlqa, normalise_squad, score_answers

RULES: tuple[AnswerScript, ...] = ("squad1", "squad2", "mlqa")


def f1(gold: list[list[str]], predicted: list[str], rule: AnswerScript = "squad1", language: str = "en") -> float:
    return score_answers(gold, predicted, language, rule)["f1"]


def exact(gold: list[list[str]], predicted: list[str], rule: AnswerScript = "squad1", language: str = "en") -> float:
    return score_answers(gold, predicted, language, rule)["exact_match"]


def test_squad_normalisation() -> None:
    assert normalise_squad(" The  U.S. dollar-store, an A! ") == "us dollarstore"
    assert normalise_squad("theory") == "theory"
    # Punctuation that is not ASCII stays.
    assert normalise_squad("«Rom»。") == "«rom»。"


@pytest.mark.parametrize("rule", RULES)
def test_the_best_of_the_accepted_answers_counts(rule: AnswerScript) -> None:
    gold = [["in 1066", "the year 1066"], ["Rome"]]
    assert exact(gold, ["Year 1066.", "Paris"], rule) == 0.5
    # "1066" against "in 1066": 2 * 1 / 3, against "year 1066": the same; "old Rome" against "Rome": 2 / 3.
    assert f1(gold, ["1066", "old Rome"], rule) == pytest.approx(2 / 3)
    # Each is the best for one of two predictions: exact for the second, 2 * 1 / 3 for the first.
    assert f1([["red", "deep blue"]] * 2, ["blue", "red"], rule) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("rule", RULES)
def test_a_repeated_word_counts_as_often_as_both_have_it(rule: AnswerScript) -> None:
    assert f1([["x b b c"]], ["b b b d"], rule) == pytest.approx(0.5)


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_prediction_is_wrong_where_there_is_an_answer(rule: AnswerScript) -> None:
    assert exact([["Rome"], ["Paris"]], ["", "Paris"], rule) == 0.5
    assert f1([["Rome"], ["Paris"]], ["the", "Paris"], rule) == 0.5


@pytest.mark.parametrize(("rule", "worth"), [("squad1", 0.0), ("mlqa", 0.0), ("squad2", 1.0)])
def test_two_answers_that_are_empty_after_normalisation(rule: AnswerScript, worth: float) -> None:
    # Nothing is left of either: equal, yet in SQuAD 1.1 without a shared word.
    assert exact([["The"]], ["a"], rule) == 1.0
    assert f1([["The"]], ["a"], rule) == worth


def test_in_squad_2_an_answer_of_articles_does_not_count() -> None:
    # "The" goes and "Rome" stays: an empty prediction matches "The" in SQuAD 1.1 only.
    assert exact([["The", "Rome"]], [""], "squad1") == 1.0
    assert exact([["The", "Rome"]], [""], "squad2") == f1([["The", "Rome"]], [""], "squad2") == 0.0


def test_squad_2_by_parts() -> None:
    gold = [["Rome"], ["old town", "town"], [], []]
    assert score_answers(gold, ["Rome", "new town", "", "Rome"], "en", "squad2") == {
        "exact_match": 0.5,
        "f1": pytest.approx((1 + 2 / 3 + 1 + 0) / 4),
        "has_answer_exact_match": 0.5,
        "has_answer_f1": pytest.approx((1 + 2 / 3) / 2),
        "no_answer_accuracy": 0.5,
    }
    # A question whose only answer is "The" has an answer, although nothing but an empty prediction is right.
    names = ("exact_match", "f1", "has_answer_exact_match", "has_answer_f1")
    assert score_answers([["The"]], [""], "en", "squad2") == dict.fromkeys(names, 1.0)
    assert score_answers([[]], ["the"], "en", "squad2")["no_answer_accuracy"] == 1.0


@pytest.mark.parametrize("rule", ["squad1", "mlqa"])
def test_only_squad_2_knows_questions_without_an_answer(rule: AnswerScript) -> None:
    with pytest.raises(ValueError, match="without accepted answers"):
        score_answers([[]], [""], "en", rule)


def test_mlqa_normalises_by_language() -> None:
    assert normalise_mlqa("Der Hund «des» Teufels", "de") == "hund teufels"
    assert normalise_mlqa("La casa, ¿una?", "es") == "casa"
    assert normalise_mlqa("những con mèo", "vi") == "con mèo"
    assert normalise_mlqa("the एक घर।", "hi") == "the एक घर"
    # The Arabic article goes, and with it the same two letters inside a word.
    assert normalise_mlqa("الكتاب", "ar") == "كتاب"
    assert normalise_mlqa("المال", "ar") == "م"


def test_an_arabic_article_is_no_part_of_the_answer() -> None:
    assert exact([["الكتاب"]], ["كتاب"], "mlqa", "ar") == 1.0
    assert exact([["الكتاب"]], ["كتاب"], "squad1", "ar") == 0.0
    # Inside a word the two letters become a blank: of its two halves one is found, 2 * 1 / 3.
    assert f1([["سالم"]], ["م"], "mlqa", "ar") == pytest.approx(2 / 3)


def test_mlqa_splits_chinese_characters() -> None:
    assert normalise_mlqa("北京\uff0c2008年 IBM", "zh") == "北 京 2008 年 ibm"
    # 北 京 against 北 京 市: 2 * 2 / 5; by SQuAD's rule they are two unequal words.
    assert f1([["北京市"]], ["北京"], "mlqa", "zh") == pytest.approx(0.8)
    assert f1([["北京市"]], ["北京"], "squad1", "zh") == 0.0


def test_a_language_that_mlqa_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule for 'fr'"):
        score_answers([["oui"]], ["oui"], "fr", "mlqa")


def test_lengths_are_checked() -> None:
    with pytest.raises(ValueError, match="gold items"):
        score_answers([["a"]], [], "en", "squad1")


def test_scores_by_both_rules() -> None:
    assert score_answers([["Der Hund"]], ["ein Hund"], "de", "squad1") == {"exact_match": 0.0, "f1": 0.5}
    assert score_answers([["Der Hund"]], ["ein Hund"], "de", "mlqa") == {"exact_match": 1.0, "f1": 1.0}
