"""The answer on similarity without pairs of task and target that train on the same rows."""

from pathlib import Path

import numpy as np

from analysis.answers.similarity import build_answer
from analysis.questions.predictors import GainMatrix, Predictor
from analysis.questions.similarity import PredictorComparison, judge_predictors
from analysis.questions.unseen_pairs import compare_unseen_pairs
from analysis.scores.load import load
from analysis.transfer.array import build_transfer
from tests.analysis.sweep_files import Run, write_sweep

CANDIDATES, TARGETS = tuple("abcdefgh"), ("xnli", "pawsx")
CELLS = frozenset({("a", "xnli"), ("b", "pawsx")})


def compare(gains: np.ndarray, values: np.ndarray) -> PredictorComparison:
    axes = {"candidates": CANDIDATES, "targets": TARGETS, "seeds": (0, 1, 2), "left_out": (), "kinds": None}
    matrix = GainMatrix(**axes, gains=gains, baseline=np.full((2, 3), 50.0))
    predictors = [Predictor("embedding", "distance", values)]
    return PredictorComparison(
        matrix=matrix, judgements=judge_predictors(predictors, matrix, None, np.random.default_rng(0)), focus=None
    )


def test_pairs_with_the_same_rows_are_in_no_order() -> None:
    """Gain follows closeness but in the pairs that are left out, which are closest and lose."""
    gains = np.tile(np.arange(8.0)[:, None, None], (1, 2, 3))
    values = gains.copy()
    for t, row in ((0, 0), (1, 1)):
        values[row, t] = 100.0
    comparison = compare(gains, values)
    unseen = compare_unseen_pairs(comparison, CELLS, np.random.default_rng(0))
    assert unseen is not None
    assert np.nanmean(comparison.judgements[0].correlation.mean_by_seed()) < 0.9
    assert np.nanmean(unseen.judgements[0].correlation.mean_by_seed()) == 1
    assert np.isnan(unseen.matrix.gains[0, 0]).all() and np.isfinite(unseen.matrix.gains[0, 1]).all()
    assert np.isfinite(comparison.matrix.gains).all()  # the comparison itself is as it was


def test_without_such_pairs_there_is_no_second_comparison() -> None:
    gains = np.tile(np.arange(8.0)[:, None, None], (1, 2, 3))
    assert compare_unseen_pairs(compare(gains, gains), frozenset({("z", "xnli")}), np.random.default_rng(0)) is None


def test_same_rows_alone_predict_nothing_without_them(tmp_path: Path) -> None:
    """Only the pairs with the same rows are close, and only they gain: the verdict changes, and the answer says so."""
    rng = np.random.default_rng(3)
    gains, values = (rng.normal(size=(8, 1, 1)) * 0.1 + np.zeros((8, 2, 3)) for _ in range(2))
    cells = frozenset((name, target) for name in "abcd" for target in TARGETS)
    gains[:4] += np.arange(4, 8)[:, None, None]
    values[:4] += np.arange(4, 8)[:, None, None]
    comparison = compare(gains, values)
    unseen = compare_unseen_pairs(comparison, cells, np.random.default_rng(0))
    runs = [Run(intermediate=name, test={"xnli": {"en": 0.5}}) for name in ("none", "a")]
    answer = build_answer(build_transfer(load([write_sweep(tmp_path, runs)])), comparison, unseen, cells)
    assert answer.sentences[0].startswith("Distance predicts gain, by embedding")
    start = "Without pairs that train twice on the same rows (a, b, c, d -> xnli, pawsx): distance is not shown"
    [line] = [sentence for sentence in answer.sentences if sentence.startswith(start)]
    assert line.endswith("The verdict changes without them.")
    assert len(answer.tables) > 1 and answer.tables[1].title.startswith("The same without pairs")
