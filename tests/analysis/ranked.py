"""From what was read to a ranking in one step, with few draws."""

from typing import Any

import numpy as np

from analysis.ranking import Ranking, ranking
from analysis.scores.load import Scores
from analysis.transfer import transfer


def ranked(scores: Scores, by: Any = "target", **options: Any) -> Ranking:
    return ranking(transfer(scores, **options), np.random.default_rng(0), by, draws=1000)
