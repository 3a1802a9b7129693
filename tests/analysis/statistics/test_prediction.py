import numpy as np
import pytest

from analysis.statistics.prediction import left_out


def test_by_hand() -> None:
    predictor = np.array([[1.0, 10.0], [3.0, 30.0]])  # standardised: -1 and 1 in both columns
    values = np.array([[0.0, 2.0], [4.0, 4.0]])
    errors = left_out(predictor, values)
    # The second column gives 3 + 1 x, the first is 2 + 2 x; and the other way round.
    assert errors.line == pytest.approx([np.sqrt((2**2 + 0) / 2), np.sqrt((2**2 + 0) / 2)])
    assert errors.mean == pytest.approx([np.sqrt((9 + 1) / 2), np.sqrt((0 + 4) / 2)])
    assert errors.saved == pytest.approx(1 - (2 + 2) / (5 + 2))


def test_a_line_that_holds_everywhere_saves_all_but_what_columns_differ_by() -> None:
    rng = np.random.default_rng(0)
    predictor = rng.normal(size=(8, 4))
    scaled = (predictor - predictor.mean(axis=0)) / predictor.std(axis=0)
    assert left_out(predictor, 3 * scaled + 1).saved == pytest.approx(1)
    assert left_out(predictor, rng.normal(size=(8, 4))).saved < 0.3


def test_holes_and_constants() -> None:
    predictor = np.array([[1.0, 1.0, np.nan], [2.0, 1.0, np.nan], [3.0, 1.0, np.nan]])
    errors = left_out(predictor, np.ones((3, 3)))
    assert np.isnan(errors.line).all() and np.isnan(errors.saved)  # one column alone predicts nothing
    predictor = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.nan]])
    values = np.array([[1.0, 1.0], [2.0, 2.0], [np.nan, 9.0]])
    assert np.isfinite(left_out(predictor, values).line).all()
