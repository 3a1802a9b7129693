"""Does the distance between an intermediate task and a target predict what the task gains there?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.questions.predictors import OTHERS, Cells, Predictor, cells, predictors
from analysis.statistics.moments import Array
from analysis.statistics.ordering import blind_ndcg, blind_regret, ndcg, regret
from analysis.statistics.permutation import FEWEST, Correlated, correlated
from analysis.statistics.prediction import Errors, left_out
from analysis.statistics.significance import holm
from analysis.transfer.array import POINTS, Transfer
from spaces.errors import UsageError
from spaces.table import unknown

TRIES = (1, 3)  # k of Regret@k: how many tasks could be tried
FOCUS = "pawsx"  # the target that is compared with the others, unless another is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """How good a predictor's order of the candidates is on one target, on means over seeds, beside a blind order's."""

    ndcg: float
    blind_ndcg: float
    regrets: tuple[float, ...]  # per cent, by TRIES
    blind_regrets: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One predictor. p values are None where permuting candidates tests nothing, or there is nothing to permute."""

    predictor: Predictor
    related: Correlated
    p: float | None
    holm: float | None  # adjusted for all predictors that are tested
    p_apart: float | None  # of the focus against the other targets
    holm_apart: float | None
    orderings: tuple[Ordering, ...]  # of the targets for which it orders FEWEST candidates
    errors: Errors  # of its prediction of targets that are left out, in points

    def ordered(self, what: str, place: int | None = None) -> float | None:
        """The mean of a field of `orderings` over targets; None without any."""
        values = [getattr(one, what) if place is None else getattr(one, what)[place] for one in self.orderings]
        return float(np.mean(values)) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Every predictor, judged."""

    asked: Cells
    judged: tuple[Judged, ...]
    focus: str | None  # None where the sweep lacks it

    @property
    def place(self) -> int | None:
        """Where the focus stands among the targets."""
        return None if self.focus is None else self.asked.targets.index(self.focus)


def similarity(found: Transfer, rng: np.random.Generator, focus: str | None = None) -> Similarity:
    """Judge every predictor that the sweep has.

    Raises:
        UsageError: there are fewer than FEWEST candidates, no target that is trained, or no such target to look at.
    """
    asked = cells(found)
    if len(asked.candidates) < FEWEST or not asked.targets:
        raise UsageError(
            f"{found.read.source}: an order takes {FEWEST} plain intermediate tasks and a target that is trained, here "
            f"are {len(asked.candidates)} and {len(asked.targets)}: name more with --intermediates and --targets."
        )
    if focus is not None and focus not in asked.targets:
        raise UsageError(f"--target: {unknown('target', focus, asked.targets)}")
    focus = focus or (FOCUS if FOCUS in asked.targets else None)
    place = None if focus is None else asked.targets.index(focus)
    return Similarity(asked=asked, judged=judge(predictors(found, asked), asked, place, rng), focus=focus)


def judge(
    several: Sequence[Predictor], asked: Cells, focus: int | None, rng: np.random.Generator
) -> tuple[Judged, ...]:
    """Each of several predictors; p values are adjusted for all of them. `focus` is the place of a target."""
    related = [correlated(one.values, asked.gains, rng) for one in several]
    tested = [one.name != OTHERS for one in several]
    p = [one.p() if test else np.nan for one, test in zip(related, tested, strict=True)]
    apart = [
        one.p_apart(focus) if test and focus is not None else np.nan for one, test in zip(related, tested, strict=True)
    ]
    adjusted, adjusted_apart = holm(p), holm(apart)
    return tuple(
        Judged(
            predictor=one,
            related=related[i],
            p=_known(p[i]),
            holm=_known(adjusted[i]),
            p_apart=_known(apart[i]),
            holm_apart=_known(adjusted_apart[i]),
            orderings=_orderings(one.values, asked),
            errors=left_out(_ordered(_over_seeds(one.values), _over_seeds(asked.gains)), _over_seeds(asked.gains)),
        )
        for i, one in enumerate(several)
    )


def _orderings(values: Array, asked: Cells) -> tuple[Ordering, ...]:
    """On the targets in which FEWEST candidates have a number that is not the same for all of them."""
    predicted, gains = _over_seeds(values), _over_seeds(asked.gains)
    # The mean baseline under mean gains, so that a candidate that lacks a seed is paired with the others all the same.
    scores = (gains + _over_seeds(asked.baseline)) / POINTS
    made = []
    for target in range(len(asked.targets)):
        there = np.isfinite(predicted[:, target]) & np.isfinite(scores[:, target])
        seen, worth = predicted[there, target], scores[there, target]
        if there.sum() < FEWEST or np.ptp(seen) == 0 or worth.max() <= 0:
            continue
        worth = np.maximum(worth, 0.0)  # a mean baseline under gains of other seeds may leave less than nothing
        made.append(
            Ordering(
                ndcg=ndcg(seen, worth),
                blind_ndcg=blind_ndcg(worth),
                regrets=tuple(regret(seen, worth, k) for k in TRIES),
                blind_regrets=tuple(blind_regret(worth, k) for k in TRIES),
            )
        )
    return tuple(made)


def _ordered(predicted: Array, gains: Array) -> Array:
    """Without the numbers of targets for which too few candidates have one to be ordered."""
    enough = (np.isfinite(predicted) & np.isfinite(gains)).sum(axis=0) >= FEWEST
    return np.where(enough, predicted, np.nan)


def _over_seeds(values: Array) -> Array:
    """Means over the trailing axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    return np.where(count > 0, np.where(there, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
