"""Does the distance between an intermediate task and a target predict what the task gains there?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.questions.predictors import GAIN_ELSEWHERE, GainMatrix, Predictor, build_gain_matrix, build_predictors
from analysis.statistics.moments import Array
from analysis.statistics.ordering import ndcg, random_ndcg, random_regret_at_k, regret_at_k
from analysis.statistics.permutation import MIN_CANDIDATES, RankCorrelations, correlate_ranks
from analysis.statistics.prediction import PredictionErrors, leave_one_column_out
from analysis.statistics.significance import adjust_p_values
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.errors import UsageError
from spaces.table import describe_unknown

REGRET_CUTOFFS = (1, 3)  # k of Regret@k: how many tasks could be tried
DEFAULT_FOCUS = "pawsx"  # the target that is compared with the others, unless another is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderingQuality:
    """How good a predictor's order of the candidates is on one target, on means over seeds, beside a blind order's."""

    ndcg: float
    blind_ndcg: float
    regrets: tuple[float, ...]  # per cent, by TRIES
    blind_regrets: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorJudgement:
    """One predictor. p values are None where permuting candidates tests nothing, or there is nothing to permute."""

    predictor: Predictor
    correlation: RankCorrelations
    p: float | None
    holm: float | None  # adjusted for all predictors that are tested
    focus_p: float | None  # of the focus against the other targets
    focus_holm: float | None
    orderings: tuple[OrderingQuality, ...]  # of the targets for which it orders FEWEST candidates
    errors: PredictionErrors  # of its prediction of targets that are left out, in points

    def average_ordering(self, what: str, place: int | None = None) -> float | None:
        """The mean of a field of `orderings` over targets; None without any."""
        values = [getattr(one, what) if place is None else getattr(one, what)[place] for one in self.orderings]
        return float(np.mean(values)) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorComparison:
    """Every predictor, judged."""

    matrix: GainMatrix
    judgements: tuple[PredictorJudgement, ...]
    focus: str | None  # None where the sweep lacks it

    @property
    def focus_index(self) -> int | None:
        """Where the focus stands among the targets."""
        return None if self.focus is None else self.matrix.targets.index(self.focus)


def compare_predictors(found: Transfer, rng: np.random.Generator, focus: str | None = None) -> PredictorComparison:
    """Judge every predictor that the sweep has.

    Raises:
        UsageError: there are fewer than FEWEST candidates, no target that is trained, or no such target to look at.
    """
    asked = build_gain_matrix(found)
    if len(asked.candidates) < MIN_CANDIDATES or not asked.targets:
        raise UsageError(
            f"{found.loaded_scores.source}: an order takes {MIN_CANDIDATES} plain intermediate tasks and a target that is trained, here "
            f"are {len(asked.candidates)} and {len(asked.targets)}: name more with --intermediates and --targets."
        )
    if focus is not None and focus not in asked.targets:
        raise UsageError(f"--target: {describe_unknown('target', focus, asked.targets)}")
    focus = focus or (DEFAULT_FOCUS if DEFAULT_FOCUS in asked.targets else None)
    place = None if focus is None else asked.targets.index(focus)
    return PredictorComparison(
        matrix=asked, judgements=judge_predictors(build_predictors(found, asked), asked, place, rng), focus=focus
    )


def judge_predictors(
    several: Sequence[Predictor], asked: GainMatrix, focus: int | None, rng: np.random.Generator
) -> tuple[PredictorJudgement, ...]:
    """Each of several predictors; p values are adjusted for all of them. `focus` is the place of a target."""
    related = [correlate_ranks(one.values, asked.gains, rng) for one in several]
    tested = [one.name != GAIN_ELSEWHERE for one in several]
    p = [one.p_value() if test else np.nan for one, test in zip(related, tested, strict=True)]
    apart = [
        one.contrast_p_value(focus) if test and focus is not None else np.nan
        for one, test in zip(related, tested, strict=True)
    ]
    adjusted, adjusted_apart = adjust_p_values(p), adjust_p_values(apart)
    return tuple(
        PredictorJudgement(
            predictor=one,
            correlation=related[i],
            p=_finite_or_none(p[i]),
            holm=_finite_or_none(adjusted[i]),
            focus_p=_finite_or_none(apart[i]),
            focus_holm=_finite_or_none(adjusted_apart[i]),
            orderings=_rate_orderings(one.values, asked),
            errors=leave_one_column_out(
                _mask_unordered_targets(_average_over_seeds(one.values), _average_over_seeds(asked.gains)),
                _average_over_seeds(asked.gains),
            ),
        )
        for i, one in enumerate(several)
    )


def _rate_orderings(values: Array, asked: GainMatrix) -> tuple[OrderingQuality, ...]:
    """On the targets in which FEWEST candidates have a number that is not the same for all of them."""
    predicted, gains = _average_over_seeds(values), _average_over_seeds(asked.gains)
    # The mean baseline under mean gains, so that a candidate that lacks a seed is paired with the others all the same.
    scores = (gains + _average_over_seeds(asked.baseline)) / POINTS_PER_SHARE
    made = []
    for target in range(len(asked.targets)):
        there = np.isfinite(predicted[:, target]) & np.isfinite(scores[:, target])
        seen, worth = predicted[there, target], scores[there, target]
        if there.sum() < MIN_CANDIDATES or np.ptp(seen) == 0 or worth.max() <= 0:
            continue
        worth = np.maximum(worth, 0.0)  # a mean baseline under gains of other seeds may leave less than nothing
        made.append(
            OrderingQuality(
                ndcg=ndcg(seen, worth),
                blind_ndcg=random_ndcg(worth),
                regrets=tuple(regret_at_k(seen, worth, k) for k in REGRET_CUTOFFS),
                blind_regrets=tuple(random_regret_at_k(worth, k) for k in REGRET_CUTOFFS),
            )
        )
    return tuple(made)


def _mask_unordered_targets(predicted: Array, gains: Array) -> Array:
    """Without the numbers of targets for which too few candidates have one to be ordered."""
    enough = (np.isfinite(predicted) & np.isfinite(gains)).sum(axis=0) >= MIN_CANDIDATES
    return np.where(enough, predicted, np.nan)


def _average_over_seeds(values: Array) -> Array:
    """Means over the trailing axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    return np.where(count > 0, np.where(there, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
