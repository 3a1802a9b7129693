"""Whether similarity predicts gain without same-data cells: pairs of a task and a target with the same training rows.

Such a pair is as close as can be, and its gain comes from more epochs on the same rows.
"""

from dataclasses import replace

import numpy as np

from analysis.questions.similarity import PredictorComparison, judge_predictors
from analysis.statistics.moments import Array
from analysis.transfer.same_data import SameDataCells


def compare_unseen_pairs(
    comparison: PredictorComparison, cells: SameDataCells, rng: np.random.Generator
) -> PredictorComparison | None:
    """Return the comparison without the gains and predictors of `cells`; None where it has none of them.

    Relabelled candidates take their missing pairs with them, so these are left out of every order as well.
    """
    matrix = comparison.matrix
    is_same = np.array([[(name, target) in cells for target in matrix.targets] for name in matrix.candidates], np.bool_)
    if not is_same.any():
        return None

    def leave_out(values: Array) -> Array:
        return np.where(is_same[:, :, None], np.nan, values)

    unseen = replace(matrix, gains=leave_out(matrix.gains))
    predictors = [replace(each.predictor, values=leave_out(each.predictor.values)) for each in comparison.judgements]
    kept = [each for each in predictors if np.isfinite(each.values).any()]
    return replace(comparison, matrix=unseen, judgements=judge_predictors(kept, unseen, comparison.focus_index, rng))
