import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.statistics.winner import select_winner

NAN = np.nan
HAND = np.array([[1.0, 2.0, 9.0], [4.0, 5.0, 3.0], [0.0, 0.0, 0.0]])
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(3, 5)), elements=st.integers(-9, 9))


def test_a_winner_worked_by_hand() -> None:
    winner = select_winner(HAND)
    assert winner is not None
    assert (winner.arm, winner.naive) == (0, 4.0)
    # without the first or second seed arm 0 leads (11 to 8, 10 to 7), without the third arm 1 does (9 to 3)
    assert winner.folds == ((0, 0, 1.0), (1, 0, 2.0), (2, 1, 3.0))
    assert winner.honest == 2.0
    assert not winner.is_stable


def test_a_clear_winner_is_chosen_in_every_fold_and_loses_nothing() -> None:
    winner = select_winner(HAND + np.array([[0.0], [50.0], [0.0]]))
    assert winner is not None
    assert winner.is_stable and winner.arm == 1
    assert winner.honest == pytest.approx(winner.naive)


def test_an_arm_that_lacks_a_seed_is_no_candidate() -> None:
    winner = select_winner(np.vstack([HAND, [99.0, NAN, 99.0], [NAN, NAN, NAN]]))
    assert winner is not None
    assert winner.folds == ((0, 0, 1.0), (1, 0, 2.0), (2, 1, 3.0))
    assert winner.left_out == (3,)  # the arm without any value was never there


def test_a_seed_that_few_arms_have_is_left_out() -> None:
    begun = np.hstack([HAND, [[50.0], [NAN], [NAN]]])
    winner = select_winner(begun)
    assert winner is not None
    assert [seed for seed, _, _ in winner.folds] == [0, 1, 2]
    assert (winner.arm, winner.naive, winner.left_out) == (0, 4.0, ())
    places = select_winner(np.insert(HAND, 1, NAN, axis=1))
    assert places is not None
    assert places.folds == ((0, 0, 1.0), (2, 0, 2.0), (3, 1, 3.0))


def test_two_seeds_or_no_candidate_give_none() -> None:
    assert select_winner(HAND[:, :2]) is None
    assert select_winner([[1.0, 2.0, NAN, 3.0], [NAN, 2.0, 1.0, 3.0], [1.0, NAN, 2.0, NAN]]) is None
    assert select_winner(np.full((3, 3), NAN)) is None


def test_a_winner_is_chosen_by_the_criterion_and_measured_by_its_values() -> None:
    masks = []

    def count_backwards(seeds: np.ndarray) -> np.ndarray:
        masks.append(seeds.tolist())
        return np.array([0.0, 1.0, 2.0 if seeds.all() else -1.0])

    winner = select_winner(HAND, count_backwards)
    assert winner is not None
    assert (winner.arm, winner.naive) == (2, 0.0)  # the last arm by all seeds, the second one in every fold
    assert winner.folds == ((0, 1, 4.0), (1, 1, 5.0), (2, 1, 3.0))
    assert winner.honest == 4.0 and not winner.is_stable
    assert masks == [[False, True, True], [True, False, True], [True, True, False], [True, True, True]]


def test_a_criterion_sees_no_dropped_seed_and_names_no_arm_that_lacks_one() -> None:
    begun = np.hstack([np.vstack([HAND, [9.0, NAN, 9.0]]), [[50.0], [NAN], [NAN], [NAN]]])

    def prefer_the_last(seeds: np.ndarray) -> np.ndarray:
        assert not seeds[3]
        return np.array([0.0, NAN, 1.0, 99.0]) if seeds.all() else np.arange(4.0)

    winner = select_winner(begun, prefer_the_last)
    assert winner is not None
    assert winner.arm == 2 and winner.left_out == (3,)


@given(values=TABLES)
def test_the_mean_is_the_criterion_that_is_not_given(values: np.ndarray) -> None:
    values = values + 0.01 * np.arange(len(values))[:, None]  # no two means are equal
    by_mean = select_winner(values, lambda seeds: np.asarray(values[:, seeds].mean(axis=1)))
    assert by_mean is not None and by_mean == select_winner(values)


@given(values=TABLES, shift=st.integers(-50, 50), scale=st.integers(1, 9), seed=st.integers(0, 9))
def test_a_winner_follows_shift_and_scale_and_not_the_order_of_seeds(
    values: np.ndarray, shift: int, scale: int, seed: int
) -> None:
    before = select_winner(values)
    moved = select_winner((values * scale + shift)[:, np.random.default_rng(seed).permutation(values.shape[1])])
    assert before is not None and moved is not None
    assert moved.arm == before.arm
    assert (moved.naive, moved.honest) == pytest.approx((before.naive * scale + shift, before.honest * scale + shift))


@given(values=TABLES)
def test_what_is_read_is_what_the_chosen_arm_has_at_the_seed_left_out(values: np.ndarray) -> None:
    winner = select_winner(values)
    assert winner is not None
    for seed, arm, value in winner.folds:
        assert value == values[arm, seed]
        others = np.delete(values, seed, axis=1).sum(axis=1)
        assert others[arm] == others.max()


def test_the_best_of_equal_arms_looks_better_than_it_is_but_not_on_the_seed_left_out() -> None:
    winners = [select_winner(values) for values in np.random.default_rng(9).normal(size=(2_000, 11, 3))]
    # the greatest of 11 normals is 1.59 standard deviations up, here of a mean over 3 seeds
    assert np.mean([winner.naive for winner in winners if winner]) == pytest.approx(1.59 / 3**0.5, abs=0.03)
    assert np.mean([winner.honest for winner in winners if winner]) == pytest.approx(0.0, abs=0.05)
