"""Racing over seeds: decided chains, chains that never are, and independence of the order of arrival."""

import random
from collections.abc import Mapping

import numpy as np
import pytest

from search.schedulers.race import ALPHA, MIN_SEEDS, RaceStanding, allot_seeds, find_clearly_worse, judge_race
from spaces.chain import NONE

SEEDS = tuple(range(8))
TARGETS = ("panx", "udpos")
MEANS = {NONE: 0.70, "good": 0.80, "near": 0.799, "bad": 0.60, "expert": 0.50}
WIGGLE = np.random.default_rng(0).normal(0, 0.003, (len(MEANS), len(TARGETS), len(SEEDS)))


def scores_of(means: Mapping[str, float], wiggle: float = 1.0) -> dict[tuple[str, str, int], float]:
    """Return scores of chains around their means, each with other variation; the expert is best for one target."""
    return {
        (chain, target, seed): mean
        + 0.4 * (chain == "expert" and target == "panx")
        + 0.05 * seed
        + wiggle * float(WIGGLE[row, column, seed])
        for row, (chain, mean) in enumerate(means.items())
        for column, target in enumerate(TARGETS)
        for seed in SEEDS
    }


def raced(scores: Mapping[tuple[str, str, int], float], seeds: tuple[int, ...] = SEEDS) -> RaceStanding:
    return judge_race(scores, {chain for chain, _, _ in scores}, TARGETS, seeds)


def test_what_is_clearly_worse_for_every_target_gets_no_further_seeds() -> None:
    standing = raced(scores_of(MEANS))
    assert standing.decided == {"bad": MIN_SEEDS}
    assert standing.seeds_of("bad") == (0, 1, 2)
    assert standing.decisions == {"bad": {"after": [0, 1, 2], "of": 8}}
    for chain in ("good", "near", "expert", NONE):
        assert standing.seeds_of(chain) == SEEDS


def test_the_best_of_one_target_stays_however_bad_it_is_elsewhere() -> None:
    values = np.array([[[0.5, 0.51, 0.5], [0.9, 0.91, 0.905]], [[0.8, 0.81, 0.805], [0.1, 0.12, 0.1]]])
    assert find_clearly_worse(values, 0.01, 1).tolist() == [[True, False], [False, True]]
    assert "expert" not in raced(scores_of(MEANS)).decided


def test_the_baseline_and_who_else_is_kept_get_all_seeds_at_once() -> None:
    scores = scores_of({**MEANS, NONE: 0.1})
    assert NONE not in raced(scores).decided
    start = judge_race({}, MEANS, TARGETS, SEEDS, exempt=(NONE, "bad"))
    assert start.seeds_of(NONE) == start.seeds_of("bad") == SEEDS
    assert start.seeds_of("good") == SEEDS[:MIN_SEEDS]
    assert judge_race(scores, MEANS, TARGETS, SEEDS, exempt=(NONE, "bad")).decided == {}


def test_a_seed_is_given_out_when_the_one_before_is_complete_for_all_that_are_in() -> None:
    scores = scores_of(MEANS)
    assert raced({cell: score for cell, score in scores.items() if cell[2] < 2}).seeds_of("good") == SEEDS[:MIN_SEEDS]
    three = {cell: score for cell, score in scores.items() if cell[2] < 3}
    assert raced(three).seeds_of("good") == SEEDS[:4]
    last = three.pop(("near", "udpos", 2))
    assert (raced(three).complete_seeds, raced(three).seeds_of("good"), raced(three).decided) == (0, SEEDS[:3], {})
    # Nobody waits for a decided chain.
    three["near", "udpos", 2] = last
    four = three | {cell: score for cell, score in scores.items() if cell[2] == 3 and cell[0] != "bad"}
    assert (raced(four).complete_seeds, raced(four).seeds_of("good")) == (4, SEEDS[:5])


def test_scores_in_any_order_and_piece_by_piece_decide_the_same() -> None:
    cells = list(scores_of(MEANS, wiggle=12.0).items())
    whole = raced(dict(cells))
    assert whole.decided  # not after the first look alone
    for shuffle in range(5):
        random.Random(shuffle).shuffle(cells)
        assert raced(dict(cells)) == whole
        seen: dict[tuple[str, str, int], float] = {}
        before = judge_race({}, MEANS, TARGETS, SEEDS)
        for cell, score in cells:
            seen[cell] = score
            now = judge_race(seen, MEANS, TARGETS, SEEDS)
            for chain in MEANS:  # only the decision itself takes seeds back
                assert len(now.seeds_of(chain)) >= len(before.seeds_of(chain)) or chain in now.decided
            assert before.decided.items() <= now.decided.items()
            before = now
        assert before == whole


def test_more_seeds_change_no_decision_that_was_made() -> None:
    rng, exempt = np.random.default_rng(0), np.arange(4) == 0
    counts = set()
    for _ in range(60):
        values = rng.normal(0, 1, (4, 1, 8)) - np.array([0, 0, 2, 4])[:, None, None]
        for fewer in (4, 5, 7):
            short, long = allot_seeds(values[:, :, :fewer], exempt)[0], allot_seeds(values, exempt)[0]
            assert (np.where(short < fewer, short, 0) == np.where(long < fewer, long, 0)).all()
            counts |= set(long.tolist())
    assert counts == set(range(MIN_SEEDS, 9))  # at each look a chain was decided


def test_scores_of_seeds_that_were_not_given_are_not_looked_at() -> None:
    scores = scores_of(MEANS)
    better = scores | {cell: 0.99 for cell in scores if cell[0] == "bad" and cell[2] >= MIN_SEEDS}
    assert raced(better) == raced(scores)


@pytest.mark.parametrize("means", [dict.fromkeys(MEANS, 1.0), MEANS])
def test_where_nothing_varies_nothing_is_decided(means: Mapping[str, float]) -> None:
    assert raced(scores_of(means, wiggle=0.0)).decided == {}


def test_a_hole_is_no_bad_score() -> None:
    scores = scores_of(MEANS)
    scores["bad", "panx", 1] = float("nan")
    assert raced(scores).decided == {}
    assert raced(scores).complete_seeds == len(SEEDS)  # and holds no chain up
    scores["expert", "udpos", 0] = float("nan")
    scores["bad", "panx", 1] = scores_of(MEANS)["bad", "panx", 1]
    assert raced(scores).decided == {"bad": MIN_SEEDS}  # against the others


def test_a_chain_that_varies_more_than_the_others_has_a_wider_interval() -> None:
    values = 0.8 + 0.001 * np.random.default_rng(0).normal(size=(9, 1, 3))
    values[8] -= 0.13
    assert find_clearly_worse(values, 0.01, 8)[:, 0].tolist() == [False] * 8 + [True]
    values[8] += [-0.09, 0.0, 0.09]  # all nine together still vary little
    assert not find_clearly_worse(values, 0.01, 8).any()


def test_alone_or_with_retrieval_only_nobody_is_decided() -> None:
    assert judge_race({}, [NONE], TARGETS, SEEDS).decided == {}
    assert judge_race(scores_of(MEANS), MEANS, (), SEEDS).decided == {}


def test_the_best_of_a_target_is_dropped_in_fewer_races_than_promised() -> None:
    rng = np.random.default_rng(0)
    truth = np.full((6, 2), -1.0)
    truth[[1, 2], [0, 1]] = 0.0  # two chains that tie with `none` at one target each, and are far behind at the other
    truth[[0, 3]] = 0.0
    wrong = 0
    for _ in range(600):
        counts, _ = allot_seeds(truth[:, :, None] + rng.normal(0, 0.05, (6, 2, 5)), np.arange(6) == 0)
        wrong += bool((counts[[1, 2, 3]] < 5).any())
        assert (counts[4:] < 5).all()
    assert wrong / 600 <= ALPHA
