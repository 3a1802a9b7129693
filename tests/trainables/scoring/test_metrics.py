"""Metrics against hand-worked cases, and against the reference package where it is installed."""

import random

import pytest

from trainables.scoring.metrics import (
    accuracy,
    choose_mining_threshold,
    chunk_f1,
    count_chunks,
    find_chunks,
    macro_f1,
    map_at_20,
    mining_f1,
)

UPOS = ("ADJ", "ADP", "INTJ", "NOUN", "PROPN", "SCONJ", "SYM", "VERB", "X")
IOB = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "I-LOC")


def test_accuracy() -> None:
    assert accuracy([0, 1, 2, 1], [0, 1, 1, 1]) == 0.75


def test_macro_f1_is_the_mean_over_labels_that_are_gold_or_predicted() -> None:
    # Label 0: 2 right of 3 gold and 2 predicted; 1: 1 right of 1 and 2; 2: never gold, predicted once.
    assert macro_f1([0, 0, 0, 1, 1], [0, 0, 2, 1, 1]) == pytest.approx((4 / 5 + 1 + 0) / 3)
    assert macro_f1([3, 3], [3, 3]) == 1.0 and macro_f1([0, 1], [1, 0]) == 0.0


def test_macro_f1_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(0)
    for _ in range(50):
        gold, predicted = ([rng.randrange(5) for _ in range(20)] for _ in range(2))
        assert macro_f1(gold, predicted) == pytest.approx(metrics.f1_score(gold, predicted, average="macro"))


@pytest.mark.parametrize("gold, predicted", [([0, 1], [0]), ([], [])])
def test_lengths_are_checked(gold: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match="gold items"):
        accuracy(gold, predicted)
    with pytest.raises(ValueError, match="gold items"):
        macro_f1(gold, predicted)
    with pytest.raises(ValueError, match="gold items"):
        chunk_f1([["O"]] * len(gold), [["O"]] * len(predicted))
    with pytest.raises(ValueError, match="2 words has 1"):
        chunk_f1([["O", "O"]], [["O"]])


def test_neighbouring_equal_tags_are_one_chunk() -> None:
    gold = [["DET", "NOUN", "NOUN", "VERB", "PUNCT"]]
    guess = [["DET", "NOUN", "ADJ", "VERB", "PUNCT"]]
    assert list(find_chunks(gold)) == [("ET", 0, 0), ("OUN", 1, 2), ("ERB", 3, 3), ("UNCT", 4, 4)]
    # 3 of 4 gold chunks and 3 of 5 guessed ones: F1 = 6 / 9, although 4 of 5 words are right.
    assert chunk_f1(gold, guess) == pytest.approx(2 / 3)


def test_equal_neighbours_hide_a_wrong_border() -> None:
    # Two nouns merge into one chunk, so that one wrong word costs the whole of it: nothing is right of 1 and 2.
    assert chunk_f1([["NOUN", "NOUN", "NOUN"]], [["NOUN", "NOUN", "NUM"]]) == 0.0
    # NOUN and PROPN share no type, NUM and NOUN neither: OUN, ROPN, UM.
    assert list(find_chunks([["NOUN", "PROPN", "NUM", "NUM"]])) == [("OUN", 0, 0), ("ROPN", 1, 1), ("UM", 2, 3)]


def test_tags_with_s_stay_single() -> None:
    assert list(find_chunks([["SYM", "SYM", "SCONJ"]])) == [("YM", 0, 0), ("YM", 1, 1), ("CONJ", 2, 2)]


def test_x_gets_lost_at_the_edges_of_a_sentence() -> None:
    assert list(find_chunks([["NOUN", "X"]])) == [("OUN", 0, 0)]
    assert chunk_f1([["X"]], [["X"]]) == 0.0
    # Position 2 is the gap; the X at 3 counts from where NOUN began.
    found = list(find_chunks([["VERB", "NOUN"], ["X", "VERB"]]))
    assert found == [("ERB", 0, 0), ("OUN", 1, 1), ("_", 1, 3), ("ERB", 4, 4)]


def test_bare_tags_are_scored_as_by_seqeval_0_0_18_and_later() -> None:
    # Both conjunctions are of type CONJ. Up to 0.0.13 a type was the whole tag: 2 of 3 chunks were right, F1 2 / 3.
    assert chunk_f1([["CCONJ", "X", "NOUN"]], [["SCONJ", "X", "NOUN"]]) == 1.0
    # An X that ends a sentence is no chunk: 1 is right, of 1 and 2. Up to 0.0.13: of 2 and 2, F1 1 / 2.
    assert chunk_f1([["NOUN", "X"]], [["NOUN", "SYM"]]) == pytest.approx(2 / 3)
    assert chunk_f1([["NOUN", "X"]], [["NOUN", "X"]]) == 1.0
    # Tags with a prefix: all versions agree.
    assert list(find_chunks([["B-PER", "I-PER", "O", "B-LOC"]])) == [("PER", 0, 1), ("LOC", 3, 3)]


def test_inside_without_begin_starts_a_chunk() -> None:
    found = list(find_chunks([["O", "I-PER", "I-PER", "I-ORG", "B-ORG"]]))
    assert found == [("PER", 1, 2), ("ORG", 3, 3), ("ORG", 4, 4)]
    # So I-PER I-PER is as good as B-PER I-PER.
    assert chunk_f1([["B-PER", "I-PER", "O"]], [["I-PER", "I-PER", "O"]]) == 1.0


def test_a_chunk_belongs_to_the_sentence_in_which_it_ends() -> None:
    # By seqeval's rule the X of the second sentence is a chunk that began in the first.
    gold = [["VERB", "NOUN"], ["X", "VERB"]]
    assert count_chunks(gold, gold) == ([4, 4], [4, 4])
    assert count_chunks(gold, [["VERB", "VERB"], ["X", "VERB"]]) == ([0, 2], [3, 4])
    assert count_chunks([["O"]], [["O"]]) == ([0], [0]) and chunk_f1([["O"]], [["O"]]) == 0.0


def test_chunks_do_not_cross_sentences() -> None:
    assert list(find_chunks([["B-PER"], ["I-PER"]])) == [("PER", 0, 0), ("PER", 2, 2)]


@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@pytest.mark.parametrize("tags", [UPOS, IOB, ("O", "B", "I", "E-LOC", "S-LOC", "B-A-B", "I-A-B", ".")])
def test_chunk_f1_equals_seqeval(tags: tuple[str, ...]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    rng = random.Random(0)
    for _ in range(200):
        gold = [[rng.choice(tags) for _ in range(rng.randint(1, 8))] for _ in range(rng.randint(1, 6))]
        guess = [[tag if rng.random() < 0.7 else rng.choice(tags) for tag in sentence] for sentence in gold]
        assert list(find_chunks(gold)) == seqeval.sequence_labeling.get_entities(gold)
        assert chunk_f1(gold, guess) == pytest.approx(seqeval.f1_score(gold, guess, zero_division=0))
        right, both = count_chunks(gold, guess)
        assert sum(right) == pytest.approx(chunk_f1(gold, guess) * sum(both)) and len(right) == len(gold)


def test_mining_chooses_the_threshold_on_gold() -> None:
    gold = {(0, 7), (1, 3), (3, 5)}
    mined = [(0, 7, 1.4), (1, 3, 1.2), (2, 2, 1.0), (3, 4, 0.9)]
    threshold = choose_mining_threshold(gold, mined)
    assert threshold == pytest.approx(1.1)
    # 2 of 3 true pairs, nothing wrong: 4 / 5. With all four pairs: 4 / 7.
    assert mining_f1(gold, mined, threshold) == pytest.approx(0.8)
    assert mining_f1(gold, mined, 0.0) == pytest.approx(4 / 7)


def test_mining_at_the_edges() -> None:
    right = [(0, 0, 0.5), (1, 1, 0.4)]
    assert choose_mining_threshold({(0, 0), (1, 1)}, right) == 0.4  # the best cut is behind the last pair
    assert mining_f1({(0, 0), (1, 1)}, right, 0.4) == 1.0
    assert choose_mining_threshold({(0, 1)}, right) == 0.0  # nothing is right: everything is kept, as in the script
    assert choose_mining_threshold({(0, 0)}, []) == 0.0
    assert mining_f1({(0, 0)}, [], 0.0) == mining_f1(set(), right, 0.0) == 0.0


def test_of_equal_scores_the_threshold_keeps_all() -> None:
    mined = [(0, 0, 0.5), (1, 0, 0.5), (2, 2, 0.4)]
    # One by one, the cut behind the first pair is the best (F1 1), yet its threshold lets the second in: 2 / 3.
    assert choose_mining_threshold({(0, 0)}, mined) == 0.5
    assert mining_f1({(0, 0)}, mined, 0.5) == pytest.approx(2 / 3)
    # In the other order the best cut is behind the second: halfway to the third.
    assert choose_mining_threshold({(0, 0)}, [mined[1], mined[0], mined[2]]) == pytest.approx(0.45)


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_between_two_scores_mines_better(seed: int) -> None:
    rng = random.Random(seed)
    mined = [(i, i, rng.random()) for i in range(30)]
    gold = {(i, i) for i in range(40) if rng.random() < 0.5}
    best = mining_f1(gold, mined, choose_mining_threshold(gold, mined))
    assert best == pytest.approx(max(mining_f1(gold, mined, score) for _, _, score in mined))


def test_average_precision_by_hand() -> None:
    # Right at ranks 1 and 3 of two right ones: (1 / 1 + 2 / 3) / 2.
    assert map_at_20([{4, 9}], [[4, 0, 9, 1]]) == pytest.approx(5 / 6)
    # The second right one is not found: (1 / 2) / 2. The mean of both queries.
    assert map_at_20([{4, 9}, {3, 8}], [[4, 0, 9, 1], [0, 3]]) == pytest.approx((5 / 6 + 1 / 4) / 2)
    assert map_at_20([set(range(30))], [list(range(25))]) == 1.0  # 20 right ones are all that fit
    assert map_at_20([{7}], [[*range(100, 120), 7]]) == 0.0  # rank 21 does not count
    assert map_at_20([{7}], [[7, 7, 7]]) == 1.0  # no candidate counts twice


def test_with_one_right_candidate_it_is_the_reciprocal_rank() -> None:
    for rank in range(1, 26):
        assert map_at_20([{0}], [[*range(1, rank), 0]]) == (1 / rank if rank <= 20 else 0.0)


def test_a_query_without_a_right_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="without a right candidate"):
        map_at_20([set()], [[1]])
    with pytest.raises(ValueError, match="gold items"):
        map_at_20([{1}], [])
