"""Metrics against hand-worked cases, and against the reference package where it is installed."""

import random

import pytest

from trainables.answers import normalise_mlqa, normalise_squad, normaliser
from trainables.metrics import (
    accuracy,
    answer_f1,
    chunk_f1,
    chunks,
    exact_match,
    mining_f1,
    mining_threshold,
    span_scores,
)

UPOS = ("ADJ", "ADP", "INTJ", "NOUN", "PROPN", "SCONJ", "SYM", "VERB", "X")
IOB = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "I-LOC")


def test_accuracy() -> None:
    assert accuracy([0, 1, 2, 1], [0, 1, 1, 1]) == 0.75


@pytest.mark.parametrize("gold, predicted", [([0, 1], [0]), ([], [])])
def test_lengths_are_checked(gold: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match="gold items"):
        accuracy(gold, predicted)
    with pytest.raises(ValueError, match="gold items"):
        chunk_f1([["O"]] * len(gold), [["O"]] * len(predicted))
    with pytest.raises(ValueError, match="2 words has 1"):
        chunk_f1([["O", "O"]], [["O"]])
    with pytest.raises(ValueError, match="gold items"):
        exact_match([["a"]], [], normalise_squad)


def test_neighbouring_equal_tags_are_one_chunk() -> None:
    gold = [["DET", "NOUN", "NOUN", "VERB", "PUNCT"]]
    guess = [["DET", "NOUN", "ADJ", "VERB", "PUNCT"]]
    assert list(chunks(gold)) == [("ET", 0, 0), ("OUN", 1, 2), ("ERB", 3, 3), ("UNCT", 4, 4)]
    # 3 of 4 gold chunks and 3 of 5 guessed ones: F1 = 6 / 9, although 4 of 5 words are right.
    assert chunk_f1(gold, guess) == pytest.approx(2 / 3)


def test_tags_with_s_stay_single() -> None:
    assert list(chunks([["SYM", "SYM", "SCONJ"]])) == [("YM", 0, 0), ("YM", 1, 1), ("CONJ", 2, 2)]


def test_x_gets_lost_at_the_edges_of_a_sentence() -> None:
    assert list(chunks([["NOUN", "X"]])) == [("OUN", 0, 0)]
    assert chunk_f1([["X"]], [["X"]]) == 0.0
    # Position 2 is the gap; the X at 3 counts from where NOUN began.
    assert list(chunks([["VERB", "NOUN"], ["X", "VERB"]])) == [("ERB", 0, 0), ("OUN", 1, 1), ("_", 1, 3), ("ERB", 4, 4)]


def test_inside_without_begin_starts_a_chunk() -> None:
    assert list(chunks([["O", "I-PER", "I-PER", "I-ORG", "B-ORG"]])) == [("PER", 1, 2), ("ORG", 3, 3), ("ORG", 4, 4)]


def test_chunks_do_not_cross_sentences() -> None:
    assert list(chunks([["B-PER"], ["I-PER"]])) == [("PER", 0, 0), ("PER", 2, 2)]


@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@pytest.mark.parametrize("tags", [UPOS, IOB, ("O", "B", "I", "E-LOC", "S-LOC", "B-A-B", "I-A-B", ".")])
def test_chunk_f1_equals_seqeval(tags: tuple[str, ...]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    rng = random.Random(0)
    for _ in range(200):
        gold = [[rng.choice(tags) for _ in range(rng.randint(1, 8))] for _ in range(rng.randint(1, 6))]
        guess = [[tag if rng.random() < 0.7 else rng.choice(tags) for tag in sentence] for sentence in gold]
        assert list(chunks(gold)) == seqeval.sequence_labeling.get_entities(gold)
        assert chunk_f1(gold, guess) == pytest.approx(seqeval.f1_score(gold, guess, zero_division=0))


def test_squad_normalisation() -> None:
    assert normalise_squad(" The  U.S. dollar-store, an A! ") == "us dollarstore"
    assert normalise_squad("theory") == "theory"
    # Punctuation that is not ASCII stays.
    assert normalise_squad("«Rom»。") == "«rom»。"


def test_the_best_of_the_accepted_answers_counts() -> None:
    gold = [["in 1066", "the year 1066"], ["Rome"]]
    assert exact_match(gold, ["Year 1066.", "Paris"], normalise_squad) == 0.5
    # "1066" against "in 1066": 2 * 1 / 3, against "year 1066": the same; "old Rome" against "Rome": 2 / 3.
    assert answer_f1(gold, ["1066", "old Rome"], normalise_squad) == pytest.approx(2 / 3)
    assert answer_f1([["a b b c"]], ["b b b d"], str) == pytest.approx(0.5)


def test_empty_predictions() -> None:
    assert exact_match([["Rome"], []], ["", ""], normalise_squad) == 0.5
    assert answer_f1([["Rome"], []], ["", ""], normalise_squad) == 0.5
    assert exact_match([[], []], ["the", "Rome"], normalise_squad) == 0.5
    assert answer_f1([[], []], ["the", "Rome"], normalise_squad) == 0.5
    # Nothing is left of either: equal, yet without a shared word.
    assert exact_match([["The"]], ["a"], normalise_squad) == 1.0
    assert answer_f1([["The"]], ["a"], normalise_squad) == 0.0


def test_mlqa_normalises_by_language() -> None:
    assert normalise_mlqa("Der Hund «des» Teufels", "de") == "hund teufels"
    assert normalise_mlqa("La casa, ¿una?", "es") == "casa"
    assert normalise_mlqa("những con mèo", "vi") == "con mèo"
    assert normalise_mlqa("the एक घर।", "hi") == "the एक घर"
    # The Arabic article goes, and with it the same two letters inside a word.
    assert normalise_mlqa("الكتاب", "ar") == "كتاب"
    assert normalise_mlqa("المال", "ar") == "م"


def test_mlqa_splits_chinese_characters() -> None:
    assert normalise_mlqa("北京\uff0c2008年 IBM", "zh") == "北 京 2008 年 ibm"
    normalise = normaliser("mlqa", "zh")
    # 北 京 against 北 京 市: 2 * 2 / 5; by SQuAD's rule they are two unequal words.
    assert answer_f1([["北京市"]], ["北京"], normalise) == pytest.approx(0.8)
    assert answer_f1([["北京市"]], ["北京"], normaliser("squad", "zh")) == 0.0


def test_mlqa_refuses_an_unknown_language() -> None:
    with pytest.raises(ValueError, match="not 'fr'"):
        span_scores([["oui"]], ["oui"], "fr", "mlqa")


def test_span_scores_by_both_rules() -> None:
    assert span_scores([["Der Hund"]], ["ein Hund"], "de", "squad") == {"exact_match": 0.0, "f1": 0.5}
    assert span_scores([["Der Hund"]], ["ein Hund"], "de", "mlqa") == {"exact_match": 1.0, "f1": 1.0}


def test_mining_chooses_the_threshold_on_gold() -> None:
    gold = [7, 3, -1, 5]
    mined = [7, 3, 2, 4]
    scores = [1.4, 1.2, 1.0, 0.9]
    threshold = mining_threshold(gold, mined, scores)
    assert threshold == pytest.approx(1.1)
    # 2 of 3 true pairs, nothing wrong: 4 / 5. With all four pairs: 4 / 7.
    assert mining_f1(gold, mined, scores, threshold) == pytest.approx(0.8)
    assert mining_f1(gold, mined, scores, 0.0) == pytest.approx(4 / 7)


def test_mining_at_the_edges() -> None:
    assert mining_threshold([0, 1], [0, 1], [0.5, 0.4]) == 0.4  # the best cut is behind the last pair
    assert mining_f1([0, 1], [0, 1], [0.5, 0.4], 0.4) == 1.0
    assert mining_threshold([0, 1], [1, 0], [0.5, 0.4]) == float("inf")  # nothing is right: keep nothing
    assert mining_f1([0, 1], [-1, -1], [0.5, 0.4], 0.0) == 0.0
    # Equal scores cannot be told apart: both are kept or none, so that F1 is 2 / 3 at best.
    assert mining_threshold([0, 1], [0, 0], [0.5, 0.5]) == 0.5
