from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.gains import Estimate, Hole, Point, absolute, estimate, over_targets, paired

SCHEMA = {
    "intermediate": pl.String,
    "target": pl.String,
    "seed": pl.Int64,
    "language": pl.String,
    "score": pl.Float64,
}


def frame(*rows: tuple[str, str, int, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


HAND = (
    # seed 0: nli is 0.10 and 0.30 better, seed 1: -0.10 and 0.10
    *[("none", "xnli", 0, "en", 0.5), ("none", "xnli", 0, "de", 0.2)],
    *[("nli", "xnli", 0, "en", 0.6), ("nli", "xnli", 0, "de", 0.5)],
    *[("none", "xnli", 1, "en", 0.8), ("none", "xnli", 1, "de", 0.3)],
    *[("nli", "xnli", 1, "en", 0.7), ("nli", "xnli", 1, "de", 0.4)],
)


def test_gains_worked_by_hand() -> None:
    cells = paired(frame(*HAND))
    assert cells.keys() == {("nli", "xnli")}
    assert cells["nli", "xnli"][0] == Point(pytest.approx(20.0), 2)
    assert cells["nli", "xnli"][1] == Point(pytest.approx(0.0, abs=1e-9), 2)


def test_a_language_that_one_side_lacks_is_in_neither_mean() -> None:
    rows = [row for row in HAND if row[:4] != ("nli", "xnli", 0, "en")]
    assert paired(frame(*rows))["nli", "xnli"][0] == Point(pytest.approx(30.0), 1)


def test_a_seed_without_baseline_has_no_gain() -> None:
    rows = [row for row in HAND if row[0] != "none" or row[2] != 1]
    assert paired(frame(*rows))["nli", "xnli"].keys() == {0}
    assert absolute(frame(*rows))["nli", "xnli"].keys() == {0, 1}


SCORES = st.dictionaries(
    st.tuples(
        st.sampled_from(["none", "nli", "qa"]),
        st.sampled_from(["xnli", "panx"]),
        st.integers(0, 2),
        st.sampled_from(["en", "de", "sw"]),
    ),
    st.floats(0, 1),
    min_size=1,
)


def close(one: dict[tuple[str, str], dict[int, Point]], other: dict[tuple[str, str], dict[int, Point]]) -> bool:
    assert {cell: list(points) for cell, points in one.items()} == {cell: list(p) for cell, p in other.items()}
    for cell, points in one.items():
        for seed, point in points.items():
            assert point == Point(pytest.approx(other[cell][seed].value, abs=1e-6), other[cell][seed].parts)
    return True


@given(scores=SCORES, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(scores: dict[tuple[str, str, int, str], float], order: Random) -> None:
    rows = [(*key, value) for key, value in scores.items()]
    before = paired(frame(*rows))
    order.shuffle(rows)
    assert paired(frame(*rows)) == before


@given(
    scores=SCORES,
    shift=st.dictionaries(st.tuples(st.sampled_from(["xnli", "panx"]), st.integers(0, 2)), st.floats(-1, 1)),
)
def test_what_is_added_to_all_scores_of_a_target_and_seed_leaves_the_gains(
    scores: dict[tuple[str, str, int, str], float], shift: dict[tuple[str, int], float]
) -> None:
    moved = [(*key, value + shift.get((key[1], key[2]), 0.0)) for key, value in scores.items()]
    assert close(paired(frame(*moved)), paired(frame(*((*key, value) for key, value in scores.items()))))


def test_an_estimate_worked_by_hand() -> None:
    one = estimate({0: Point(1.0, 3), 1: Point(2.0, 2), 2: Point(3.0, 3)}, [0, 1, 2, 3], 3, [Hole(3, "failed")])
    assert (one.mean, one.sd, one.seeds, one.of_seeds, one.parts) == (2.0, 1.0, 3, 4, 2)
    assert one.partial
    assert not one.beyond  # from -0.5 to 4.5
    assert estimate({0: Point(5.0, 1), 1: Point(5.1, 1), 2: Point(5.2, 1)}, [0, 1, 2], 1).beyond


def test_nothing_is_null_and_not_zero() -> None:
    one = estimate({}, [0, 1], 3, [Hole(0, "failed"), Hole(1, "failed")])
    assert (one.mean, one.sd, one.interval, one.hole) == (None, None, None, "failed")
    assert estimate({}, [0, 1], 3, [Hole(0, "failed"), Hole(1, "stopped")]).hole == "mixed"
    assert estimate({0: Point(1.0, 3)}, [0], 3).sd is None


def test_rounding_is_no_gain() -> None:
    assert not estimate({seed: Point(1e-14, 1) for seed in range(3)}, range(3), 1).beyond


def test_a_mean_over_targets_needs_every_target_of_a_seed() -> None:
    row = {"xnli": {0: Point(2.0, 2), 1: Point(9.0, 2)}, "panx": {0: Point(4.0, 1)}}
    one = over_targets(row, ["xnli", "panx"], [0, 1], {"xnli": 2, "panx": 2})
    assert (one.mean, one.seeds, one.of_seeds) == (3.0, 1, 2)
    assert (one.parts, one.of_parts) == (1, 2)  # panx lacks a language
    refused = over_targets({"xnli": row["xnli"], "panx": {}}, ["xnli", "panx"], [0, 1], {"xnli": 2, "panx": 2})
    assert refused == Estimate(mean=None, seeds=0, of_seeds=2, parts=1, of_parts=2)
