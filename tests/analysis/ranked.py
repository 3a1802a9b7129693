"""From what was read to a ranking in one step, with few draws."""

from typing import Any

import numpy as np

from analysis.scores.load import Scores
from analysis.transfer.array import transfer
from analysis.transfer.ranking import Ranking, ranking


def ranked(scores: Scores, by: Any = "target", **options: Any) -> Ranking:
    return ranking(transfer(scores, **options), np.random.default_rng(0), by, draws=1000)
