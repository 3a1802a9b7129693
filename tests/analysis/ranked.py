"""A ranking from loaded scores in one step, with few draws."""

from typing import Any

import numpy as np

from analysis.scores.scores import Scores
from analysis.transfer.array import build_transfer
from analysis.transfer.ranking import Ranking, rank_tasks


def ranked(scores: Scores, by: Any = "target", **options: Any) -> Ranking:
    return rank_tasks(build_transfer(scores, **options), np.random.default_rng(0), by, draws=1000)
