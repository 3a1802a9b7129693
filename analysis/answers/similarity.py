"""The answer of similarity.py: whether task similarity predicts gain."""

from collections.abc import Sequence

import numpy as np

from analysis.answers.similarity_notes import explain_tables, list_missing
from analysis.questions.predictors import ALL_DISTANCES, FIRST_TENTH, GAIN_ELSEWHERE, LOG_TRAIN_SIZE
from analysis.questions.similarity import DEFAULT_FOCUS, PredictorComparison, PredictorJudgement
from analysis.questions.step_share import measure_step_share
from analysis.statistics.detectable import find_detectable_correlation
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.statistics.significance import ALPHA
from analysis.tables import similarity as tables
from analysis.tables.answer import Answer
from analysis.tables.detectable import describe_detectable
from analysis.tables.fairness_sentences import list_same_data
from analysis.tables.numbers import format_p
from analysis.tables.source import describe_source, list_names, pluralise
from analysis.transfer.array import Transfer
from analysis.transfer.same_data import SameDataCells
from spaces.step_share import describe_step_share

UNSEEN_TITLE = "The same without pairs that train twice on the same rows"
QUESTION = "Does the distance between intermediate task and target predict gain?"


def build_answer(
    transfer: Transfer,
    comparison: PredictorComparison,
    unseen: PredictorComparison | None = None,
    same_data: SameDataCells = frozenset(),
    *,
    with_matrices: bool = False,
) -> Answer:
    """Return the answer; `unseen` is the comparison without the cells `same_data`.

    `with_matrices` adds every predictor as a matrix.
    """
    focus = tables.build_focus_table(comparison)
    return Answer(
        question=QUESTION,
        sentences=(
            _write_verdict(comparison),
            _describe_size(transfer, comparison),
            *_describe_unseen(comparison, unseen, same_data),
            _describe_kinds(comparison),
            _describe_focus(comparison),
            _describe_other_predictors(comparison),
        ),
        source_lines=describe_source(transfer.loaded_scores),
        tables=(
            tables.build_predictor_table(comparison),
            *([tables.build_predictor_table(unseen, UNSEEN_TITLE)] if unseen else []),
            *([focus] if focus else []),
            tables.build_target_table(comparison),
            tables.build_order_table(comparison),
            *(tables.build_matrices(comparison) if with_matrices else ()),
        ),
        notes=(*explain_tables(comparison), *list_missing(comparison)),
    )


def _describe_unseen(
    comparison: PredictorComparison, unseen: PredictorComparison | None, same_data: SameDataCells
) -> tuple[str, ...]:
    """Return the verdict without pairs that share training rows; nothing where there are none."""
    if unseen is None:
        return ()
    matrix = comparison.matrix
    cells = [(name, target) for name in matrix.candidates for target in matrix.targets if (name, target) in same_data]
    found, still = ({each.predictor.name for each in _list_forward(case)} for case in (comparison, unseen))
    change = "The verdict is the same with them."
    if bool(found) != bool(still):
        change = "The verdict changes without them."
    elif found != still:
        change = f"With them it is predicted by {list_names(sorted(found))}."
    start = f"Without pairs that train twice on the same rows ({list_same_data(cells)}): "
    verdict = _write_verdict(unseen)
    return (f"{start}{verdict[0].lower()}{verdict[1:]} {change}",)


def _list_distances(comparison: PredictorComparison) -> list[PredictorJudgement]:
    """Return the judgements of distances that could be tested."""
    return [each for each in comparison.judgements if each.predictor.category == "distance" and each.p is not None]


def _list_forward(comparison: PredictorComparison) -> list[PredictorJudgement]:
    """Return the judgements of distances that predict gain: closer tasks gain more."""
    significant = [each for each in _list_distances(comparison) if each.holm is not None and each.holm < ALPHA]
    return [each for each in significant if _average_correlation(each) > 0]


def _write_verdict(comparison: PredictorComparison) -> str:
    distances = _list_distances(comparison)
    if not distances:
        return (
            "It is unknown whether distance predicts gain: no distance was measured, or no seed has one for every "
            "target."
        )
    significant = [each for each in distances if each.holm is not None and each.holm < ALPHA]
    forward = _list_forward(comparison)
    backward = [each for each in significant if _average_correlation(each) <= 0]
    if forward:
        names = _join_predictors(forward)
        verdict = f"Distance predicts gain, by {names} (permutation test, Holm's p below {ALPHA:g})."
    else:
        verdict = f"Distance is not shown to predict gain: none of {len(distances)} measures does."
    if backward:
        verdict += f" In the wrong direction, closer tasks gain less: {_join_predictors(backward)}."
    return f"{verdict} {_describe_best(max(_find_widest(distances), key=_average_correlation), comparison)}"


def _find_widest(distances: Sequence[PredictorJudgement]) -> list[PredictorJudgement]:
    """Return those that order the most targets: a mean of few targets may be high by chance."""
    most = max(map(_count_ordered_targets, distances))
    return [each for each in distances if _count_ordered_targets(each) == most]


def _describe_size(transfer: Transfer, comparison: PredictorComparison) -> str:
    """Return the correlation that the best measure could have shown, and the share of the phases in their chains."""
    tested = [each for each in comparison.judgements if each.p is not None]
    detectable = None
    if distances := [each for each in tested if each.predictor.category == "distance"]:
        ranks = max(_find_widest(distances), key=_average_correlation).correlation
        detectable = find_detectable_correlation(ranks.permuted_means[:, ranks.column_mask].mean(axis=1), len(tested))
    candidates = comparison.matrix.candidates
    basis = f"{pluralise(len(candidates), 'task')}, {pluralise(len(tested), 'predictor')} tested"
    share = measure_step_share(transfer, candidates)
    text = describe_detectable({"with a distance": detectable}, basis, "of rank correlation")
    return f"{text} {describe_step_share(share)}"


def _describe_kinds(comparison: PredictorComparison) -> str:
    """Return whether distance predicts gain among tasks of one kind, by the mean of all measures, named in advance."""
    judgement = next((each for each in comparison.judgements if each.predictor.name == ALL_DISTANCES), None)
    if judgement is None or judgement.kind_p is None:
        return "Whether distance also predicts gain among tasks of one kind cannot be tested here."
    is_shown = judgement.kind_p < ALPHA and _average_correlation(judgement) > 0
    return (
        f"Among tasks of one kind, distance {'also predicts' if is_shown else 'is not shown to predict'} gain: "
        f"{ALL_DISTANCES} has {format_p(judgement.kind_p)} where only tasks of the same kind exchange places "
        f"({judgement.kind_relabellings} relabellings)."
    )


def _describe_best(judgement: PredictorJudgement, comparison: PredictorComparison) -> str:
    assert judgement.p is not None and judgement.holm is not None  # it was measured
    targets = pluralise(_count_ordered_targets(judgement), "target")
    text = (
        f"The best measure is {judgement.predictor.name}: rank correlation with gain "
        f"{_average_correlation(judgement):+.2f} over {len(comparison.matrix.candidates)} intermediate tasks, mean of "
        f"{targets} ({format_p(judgement.p)}, after Holm's correction {format_p(judgement.holm)})."
    )
    saved = judgement.errors.out_of_sample_r2
    if not np.isfinite(saved):
        return text
    change = f"{saved:.0%} less" if saved > 0 else f"{-saved:.0%} more"
    return f"{text} On targets left out it predicts gains with {change} squared error than their mean does."


def _count_ordered_targets(judgement: PredictorJudgement) -> int:
    """Return the number of targets on which this predictor orders the tasks."""
    return int(judgement.correlation.column_mask.sum())


def _describe_focus(comparison: PredictorComparison) -> str:
    index = comparison.focus_index
    if index is None:
        return f"{DEFAULT_FOCUS} is no target here. Name another with --target to compare it with the rest."
    tested = [each for each in comparison.judgements if each.focus_p is not None]
    if not tested:
        return f"{comparison.focus} cannot be compared with other targets here."
    verdict = f"{comparison.focus} is not shown to be predicted differently from the other targets."
    if significant := [each for each in tested if each.focus_holm is not None and each.focus_holm < ALPHA]:
        names = _join_predictors(significant)
        verdict = f"{comparison.focus} is predicted differently from the other targets, by {names}."
    best = max(tested, key=_average_correlation)
    example = next((each for each in tested if each.predictor.name == ALL_DISTANCES), best)
    contrast = float(np.nanmean(example.correlation.contrast(index)))
    low, high = example.correlation.contrast_null_interval(index) or (np.nan, np.nan)
    targets = _count_ordered_targets(example)
    # The mean over targets is the focus less this share of its difference from the others.
    own = _average_correlation(example) + contrast * (targets - 1) / targets
    return (
        f"{verdict} By {example.predictor.name} its rank correlation is {own:+.2f}, the mean of the others "
        f"{own - contrast:+.2f}. Of random relabellings of the tasks, {CONFIDENCE_LEVEL:.0%} give a difference of "
        f"{low:+.2f} to {high:+.2f}."
    )


def _describe_other_predictors(comparison: PredictorComparison) -> str:
    """Return how well a little tuning and the trivial predictors do."""
    judgements = {each.predictor.name: each for each in comparison.judgements}
    parts = []
    for name in (FIRST_TENTH, LOG_TRAIN_SIZE, GAIN_ELSEWHERE):
        judgement = judgements.get(name)
        if judgement is None or not judgement.correlation.seed_mask.any():
            parts.append(f"{name} cannot order the tasks")
        elif judgement.p is None or judgement.holm is None:
            parts.append(f"{name} {_average_correlation(judgement):+.2f}")
        else:
            p = f"{format_p(judgement.p)}, after Holm's correction {format_p(judgement.holm)}"
            parts.append(f"{name} {_average_correlation(judgement):+.2f} ({p})")
    return f"Rank correlations of predictors that need no distance: {', '.join(parts)}."


def _average_correlation(judgement: PredictorJudgement) -> float:
    return float(np.nanmean(judgement.correlation.mean_by_seed()))


def _join_predictors(judgements: Sequence[PredictorJudgement]) -> str:
    return ", ".join(each.predictor.name for each in judgements)
