"""Comparisons that were planned before anybody saw the scores: corrected among themselves, not for the whole table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scores.arguments import split_pair
from analysis.statistics.moments import finite_or_none
from analysis.statistics.significance import ALPHA, adjust_p_values
from analysis.transfer.estimate import Estimate, EstimateKey
from spaces.errors import UsageError
from spaces.table import describe_unknown

PlannedPair = tuple[str, str]  # intermediate task, column


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedComparison:
    """A gain, tested against no intermediate training."""

    task: str
    column: str
    estimate: Estimate
    p: float | None  # adjusted by Holm over the planned comparisons; None with too few seeds

    @property
    def is_significant(self) -> bool:
        """True if the gain differs from 0 after the correction."""
        return self.p is not None and self.p < ALPHA


def parse_planned(text: str) -> tuple[PlannedPair, ...]:
    """Return the pairs of `TASK:COLUMN,...`; raise UsageError for another form or a pair given twice."""
    pairs = []
    for part in text.split(","):
        if (pair := split_pair(part)) is None:
            raise UsageError(f"--planned takes TASK:TARGET,..., e.g. mnli:xnli,squad:mlqa, got {part.strip()!r}.")
        pairs.append(pair)
    repeated = [pair for pair in dict.fromkeys(pairs) if pairs.count(pair) > 1]
    if repeated:
        raise UsageError(f"--planned names {':'.join(repeated[0])} twice. Name each comparison once.")
    return tuple(pairs)


def compare_planned(
    gains: Mapping[EstimateKey, Estimate], pairs: Sequence[PlannedPair]
) -> tuple[PlannedComparison, ...]:
    """Return the planned comparisons among `gains`; raise UsageError for a task or column that they do not have."""
    tasks, columns = ({key[part] for key in gains} for part in (0, 1))
    for task, column in pairs:
        for kind, name, known in (("intermediate task", task, tasks), ("column", column, columns)):
            if name not in known:
                raise UsageError(f"--planned {task}:{column}: {describe_unknown(kind, name, sorted(known))}")
    p = [np.nan if (each := gains[pair].p) is None else each for pair in pairs]
    adjusted = adjust_p_values(p).tolist()
    return tuple(
        PlannedComparison(task=task, column=column, estimate=gains[task, column], p=finite_or_none(value))
        for (task, column), value in zip(pairs, adjusted, strict=True)
    )
