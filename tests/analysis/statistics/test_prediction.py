import numpy as np
import pytest

from analysis.statistics.prediction import leave_one_column_out


def test_by_hand() -> None:
    predictor = np.array([[1.0, 10.0], [3.0, 30.0]])  # standardised: -1 and 1 in both columns
    values = np.array([[0.0, 2.0], [4.0, 4.0]])
    errors = leave_one_column_out(predictor, values)
    # The second column gives 3 + 1 x, the first is 2 + 2 x; and the other way round.
    assert errors.line_rmse == pytest.approx([np.sqrt((2**2 + 0) / 2), np.sqrt((2**2 + 0) / 2)])
    assert errors.mean_rmse == pytest.approx([np.sqrt((9 + 1) / 2), np.sqrt((0 + 4) / 2)])
    assert errors.out_of_sample_r2 == pytest.approx(1 - (2 + 2) / (5 + 2))


def test_a_line_that_holds_everywhere_saves_all_but_what_columns_differ_by() -> None:
    rng = np.random.default_rng(0)
    predictor = rng.normal(size=(8, 4))
    scaled = (predictor - predictor.mean(axis=0)) / predictor.std(axis=0)
    assert leave_one_column_out(predictor, 3 * scaled + 1).out_of_sample_r2 == pytest.approx(1)
    assert leave_one_column_out(predictor, rng.normal(size=(8, 4))).out_of_sample_r2 < 0.3


def test_holes_and_constants() -> None:
    predictor = np.array([[1.0, 1.0, np.nan], [2.0, 1.0, np.nan], [3.0, 1.0, np.nan]])
    errors = leave_one_column_out(predictor, np.ones((3, 3)))
    assert np.isnan(errors.line_rmse).all() and np.isnan(errors.out_of_sample_r2)  # one column alone predicts nothing
    predictor = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.nan]])
    values = np.array([[1.0, 1.0], [2.0, 2.0], [np.nan, 9.0]])
    assert np.isfinite(leave_one_column_out(predictor, values).line_rmse).all()
