"""Does the distance between an intermediate task and a target predict the task's gain there?"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from analysis.questions.predictors import GAIN_ELSEWHERE, GainMatrix, Predictor, build_gain_matrix, build_predictors
from analysis.statistics.moments import Array, compute_moments, finite_or_none
from analysis.statistics.ordering import ndcg, random_ndcg, random_regret_at_k, regret_at_k
from analysis.statistics.permutation import MIN_CANDIDATES, RankCorrelations, correlate_ranks
from analysis.statistics.prediction import PredictionErrors, leave_one_column_out
from analysis.statistics.significance import adjust_p_values
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.errors import UsageError
from spaces.table import describe_unknown

REGRET_CUTOFFS = (1, 3)  # k of Regret@k: the number of tasks tried
DEFAULT_FOCUS = "pawsx"  # the target compared with the others, unless another is named


@dataclass(frozen=True, slots=True)
class OrderingQuality:
    """Quality of a predictor's order of the candidates on one target, by means over seeds, beside a random order's."""

    ndcg: float
    blind_ndcg: float
    regrets: tuple[float, ...]  # per cent, by REGRET_CUTOFFS
    blind_regrets: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorJudgement:
    """One predictor with its tests; p values are None where permuting candidates tests nothing."""

    predictor: Predictor
    correlation: RankCorrelations
    p: float | None
    holm: float | None  # adjusted for all predictors that are tested
    kind_p: float | None  # where only candidates of one kind are permuted; None where kinds are unknown or all differ
    kind_relabellings: int  # the permutations behind `kind_p`
    focus_p: float | None  # of the focus against the other targets
    focus_holm: float | None
    orderings: tuple[OrderingQuality, ...]  # on the targets where it orders MIN_CANDIDATES or more
    errors: PredictionErrors  # of predicting targets left out, in points

    @property
    def mean_ordering(self) -> OrderingQuality | None:
        """The mean over targets of `orderings`; None without any."""
        if not self.orderings:
            return None
        fields = zip(*map(astuple, self.orderings), strict=True)
        ndcg, blind_ndcg, regrets, blind_regrets = (np.mean(values, axis=0).tolist() for values in fields)
        return OrderingQuality(ndcg, blind_ndcg, tuple(regrets), tuple(blind_regrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorComparison:
    """The judgement of every predictor."""

    matrix: GainMatrix
    judgements: tuple[PredictorJudgement, ...]
    focus: str | None  # None where the sweep lacks it

    @property
    def focus_index(self) -> int | None:
        """The index of the focus among the targets."""
        return None if self.focus is None else self.matrix.targets.index(self.focus)


def compare_predictors(transfer: Transfer, rng: np.random.Generator, focus: str | None = None) -> PredictorComparison:
    """Judge every predictor that the sweep has.

    Raise UsageError if there are fewer than MIN_CANDIDATES candidates, no trained target, or no target called `focus`.
    """
    matrix = build_gain_matrix(transfer)
    if len(matrix.candidates) < MIN_CANDIDATES or not matrix.targets:
        raise UsageError(
            f"{transfer.loaded_scores.source}: an order takes {MIN_CANDIDATES} plain intermediate tasks and a target "
            f"that is trained, here are {len(matrix.candidates)} and {len(matrix.targets)}: name more with "
            "--intermediates and --targets."
        )
    if focus is not None and focus not in matrix.targets:
        raise UsageError(f"--target: {describe_unknown('target', focus, matrix.targets)}")
    focus = focus or (DEFAULT_FOCUS if DEFAULT_FOCUS in matrix.targets else None)
    focus_index = None if focus is None else matrix.targets.index(focus)
    return PredictorComparison(
        matrix=matrix,
        judgements=judge_predictors(build_predictors(transfer, matrix), matrix, focus_index, rng),
        focus=focus,
    )


def judge_predictors(
    predictors: Sequence[Predictor], matrix: GainMatrix, focus: int | None, rng: np.random.Generator
) -> tuple[PredictorJudgement, ...]:
    """Judge each predictor, with p values adjusted for all of them; `focus` is the index of a target."""
    correlations = [correlate_ranks(predictor.values, matrix.gains, rng) for predictor in predictors]
    p, contrast_p, kind_p = np.full((3, len(predictors)), np.nan)
    relabellings = np.ones(len(predictors), np.int64)
    for i, (predictor, correlation) in enumerate(zip(predictors, correlations, strict=True)):
        if predictor.name != GAIN_ELSEWHERE:
            p[i] = correlation.p_value()
            contrast_p[i] = np.nan if focus is None else correlation.contrast_p_value(focus)
            if matrix.kinds is not None:
                within = correlate_ranks(predictor.values, matrix.gains, rng, strata=matrix.kinds)
                relabellings[i] = len(within.permuted_means)
                kind_p[i] = within.p_value() if relabellings[i] > 1 else np.nan
    holm, contrast_holm = adjust_p_values(p), adjust_p_values(contrast_p)
    return tuple(
        PredictorJudgement(
            predictor=predictor,
            correlation=correlations[i],
            p=finite_or_none(p[i]),
            holm=finite_or_none(holm[i]),
            kind_p=finite_or_none(kind_p[i]),
            kind_relabellings=int(relabellings[i]),
            focus_p=finite_or_none(contrast_p[i]),
            focus_holm=finite_or_none(contrast_holm[i]),
            orderings=_rate_orderings(predictor.values, matrix),
            errors=_measure_errors(compute_moments(predictor.values).mean, compute_moments(matrix.gains).mean),
        )
        for i, predictor in enumerate(predictors)
    )


def _rate_orderings(values: Array, matrix: GainMatrix) -> tuple[OrderingQuality, ...]:
    """Return the quality on each target with MIN_CANDIDATES numbers that are not all the same."""
    predicted, gains, baseline = (compute_moments(each).mean for each in (values, matrix.gains, matrix.baseline))
    # Mean gains on the mean baseline: so a candidate that lacks a seed can still be compared with the others.
    scores = (gains + baseline) / POINTS_PER_SHARE
    qualities = []
    for target in range(len(matrix.targets)):
        present = np.isfinite(predicted[:, target]) & np.isfinite(scores[:, target])
        order, truth = predicted[present, target], scores[present, target]
        if present.sum() < MIN_CANDIDATES or np.ptp(order) == 0 or truth.max() <= 0:
            continue
        truth = np.maximum(truth, 0.0)  # gains and baseline of different seeds may add up to less than 0
        regrets = tuple(regret_at_k(order, truth, k) for k in REGRET_CUTOFFS)
        blind_regrets = tuple(random_regret_at_k(truth, k) for k in REGRET_CUTOFFS)
        qualities.append(OrderingQuality(ndcg(order, truth), random_ndcg(truth), regrets, blind_regrets))
    return tuple(qualities)


def _measure_errors(predicted: Array, gains: Array) -> PredictionErrors:
    """Return the errors on targets left out, without targets for which too few candidates have a prediction."""
    enough = (np.isfinite(predicted) & np.isfinite(gains)).sum(axis=0) >= MIN_CANDIDATES
    return leave_one_column_out(np.where(enough, predicted, np.nan), gains)
