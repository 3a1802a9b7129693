import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.statistics.variance import split_variance

ARM, SEED = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])


def test_a_balanced_table_worked_by_hand() -> None:
    # mean 4; arms 1 and 7: 2 x (9 + 9) = 36; seeds 2 and 6: 2 x (4 + 4) = 16; in all 16 + 4 + 0 + 36 = 56; rest 4
    split = split_variance([0.0, 2.0, 4.0, 10.0], {"arm": ARM, "seed": SEED})
    assert split.parts["arm"].share == pytest.approx(36 / 56)
    assert split.parts["seed"].share == pytest.approx(16 / 56)
    assert split.residual_share == pytest.approx(4 / 56)
    assert split.shared_share == pytest.approx(0.0, abs=1e-9)
    assert split.total_variance == pytest.approx(56 / 3)
    # mean squares 36, 16 and 4, two values per level: (36 - 4) / 2 and (16 - 4) / 2
    assert split.parts["arm"].component == pytest.approx(16.0)
    assert split.parts["seed"].component == pytest.approx(6.0)
    assert split.residual_component == pytest.approx(4.0)


def test_an_unbalanced_table_worked_by_hand() -> None:
    # one factor with 3 and 1 values: means 2 and 10, in all 4; 3 x 4 + 36 = 48 between, 1 + 0 + 1 = 2 within
    split = split_variance([1.0, 2.0, 3.0, 10.0], {"arm": [0, 0, 0, 1]})
    assert (split.parts["arm"].share, split.residual_share) == pytest.approx((48 / 50, 2 / 50))
    assert math.isnan(split.parts["arm"].component)


def test_a_factor_that_another_one_contains_explains_nothing_by_itself() -> None:
    split = split_variance([0.0, 2.0, 4.0, 10.0], {"arm": ARM, "copy": ARM + 5})
    assert split.parts["arm"].share == pytest.approx(0.0, abs=1e-9)
    assert split.shared_share == pytest.approx(36 / 56)


def test_a_hole_is_left_out() -> None:
    expected = split_variance([0.0, 2.0, 4.0], {"arm": [0, 0, 1]})
    assert split_variance([0.0, np.nan, 2.0, 4.0], {"arm": [0, 7, 0, 1]}) == expected


def test_values_that_are_all_equal_have_no_shares() -> None:
    split = split_variance([3.0, 3.0, 3.0, 3.0], {"arm": ARM, "seed": SEED})
    assert math.isnan(split.residual_share) and math.isnan(split.parts["arm"].share)
    assert split.total_variance == 0.0


def test_planted_components_are_found() -> None:
    rng = np.random.default_rng(5)
    arm, seed, language = (codes.ravel() for codes in np.indices((50, 50, 2)))
    y = rng.normal(0, 3, 50)[arm] + rng.normal(0, 1, 50)[seed] + rng.normal(0, 2, arm.size)
    split = split_variance(y, {"arm": arm, "seed": seed, "language": language})
    assert split.parts["arm"].component == pytest.approx(9.0, rel=0.4)
    assert split.parts["seed"].component == pytest.approx(1.0, rel=0.4)
    assert split.parts["language"].component == pytest.approx(0.0, abs=0.02)
    assert split.residual_component == pytest.approx(4.0, rel=0.05)


@settings(max_examples=50)
@given(
    values=hnp.arrays(np.float64, 24, elements=st.integers(-50, 50)),
    shift=st.integers(-9, 9),
    scale=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_shares_add_up_and_do_not_depend_on_order_names_shift_or_scale(
    values: np.ndarray, shift: int, scale: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = values + np.arange(24) / 7
    codes = {"arm": rng.integers(0, 4, 24), "seed": rng.integers(0, 3, 24)}
    order = rng.permutation(24)
    original = split_variance(values, codes)
    transformed = split_variance(
        (values * scale + shift)[order], {name: -3 * column[order] for name, column in codes.items()}
    )
    shares = [part.share for part in original.parts.values()]
    assert sum(shares) + original.residual_share + original.shared_share == pytest.approx(1.0)
    for name, part in original.parts.items():
        assert transformed.parts[name].share == pytest.approx(part.share, abs=1e-9)
    assert transformed.residual_share == pytest.approx(original.residual_share, abs=1e-9)


def test_shares_are_those_of_statsmodels_in_an_unbalanced_table() -> None:
    formula = pytest.importorskip("statsmodels.formula.api")
    anova = pytest.importorskip("statsmodels.stats.anova")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(4)
    frame = pandas.DataFrame({"arm": rng.integers(0, 4, 50), "seed": rng.integers(0, 3, 50)})
    frame["y"] = rng.normal(size=50) + frame["arm"] + 2 * frame["seed"]
    theirs = anova.anova_lm(formula.ols("y ~ C(arm) + C(seed)", frame).fit(), typ=2)["sum_sq"]
    ours = split_variance(frame["y"].to_numpy(), {name: frame[name].to_numpy() for name in ("arm", "seed")})
    total = float(((frame["y"] - frame["y"].mean()) ** 2).sum())
    assert ours.parts["arm"].share == pytest.approx(theirs["C(arm)"] / total)
    assert ours.parts["seed"].share == pytest.approx(theirs["C(seed)"] / total)
    assert ours.residual_share == pytest.approx(theirs["Residual"] / total)


def test_lengths_that_differ_and_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="'arm' must have one code per value"):
        split_variance([1.0, 2.0, 3.0], {"arm": [0, 1]})
    with pytest.raises(ValueError, match="got none"):
        split_variance([np.nan], {"arm": [0]})


def test_a_balanced_table_and_the_general_way_agree() -> None:
    rng = np.random.default_rng(5)
    values, codes = rng.normal(size=24), {"a": np.repeat(np.arange(4), 6), "b": np.tile(np.arange(3), 8)}
    balanced = split_variance(values, codes)
    doubled = split_variance(np.r_[values, values[:1]], {name: np.r_[code, code[:1]] for name, code in codes.items()})
    dense = np.concatenate([np.ones((24, 1)), *(np.eye(code.max() + 1)[code] for code in codes.values())], axis=1)
    residual = values - dense @ np.linalg.pinv(dense) @ values
    share = residual @ residual / ((values - values.mean()) ** 2).sum()
    assert balanced.residual_share == pytest.approx(share)
    more = np.vstack([dense, dense[:1]])
    longer = np.r_[values, values[:1]]
    left = longer - more @ np.linalg.pinv(more) @ longer
    assert doubled.residual_share == pytest.approx(left @ left / ((longer - longer.mean()) ** 2).sum())
