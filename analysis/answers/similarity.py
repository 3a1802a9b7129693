"""The printed answer of similarity.py: whether task similarity predicts gain."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.predictors import ALL_DISTANCES, FIRST_TENTH, GAIN_ELSEWHERE, LOG_TRAIN_SIZE
from analysis.questions.similarity import DEFAULT_FOCUS, PredictorComparison, PredictorJudgement
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.permutation import MAX_PERMUTATIONS
from analysis.statistics.significance import ALPHA
from analysis.tables.answer import Answer
from analysis.tables.numbers import format_p
from analysis.tables.similarity import (
    build_focus_table,
    build_matrices,
    build_order_table,
    build_predictor_table,
    build_target_table,
)
from analysis.tables.source import describe_source, pluralise
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.probe_columns import PROBES_FILE

QUESTION = "Does the distance between intermediate task and target predict gain?"
PERMUTATION_SEED = 0  # of the permutations


def build_answer(found: Transfer, judged: PredictorComparison, *, with_matrices: bool = False) -> Answer:
    """What is printed; `all_numbers` adds every predictor as a matrix."""
    tables = (
        build_predictor_table(judged),
        build_focus_table(judged),
        build_target_table(judged),
        build_order_table(judged),
    )
    return Answer(
        question=QUESTION,
        sentences=(_write_verdict(judged), *_describe_focus(judged), _describe_other_predictors(judged)),
        source_lines=describe_source(found.loaded_scores),
        tables=(*(table for table in tables if table is not None), *(build_matrices(judged) if with_matrices else ())),
        notes=(*_explain_tables(judged), *_list_missing(judged)),
    )


def _write_verdict(judged: PredictorComparison) -> str:
    near = [one for one in judged.judgements if one.predictor.category == "distance" and one.p is not None]
    if not near:
        return "Whether distance predicts gain cannot be told: none was measured, or no seed has it for every target."
    sure = [one for one in near if one.holm is not None and one.holm < ALPHA]
    forward, backward = ([one for one in sure if (_average_correlation(one) > 0) == sign] for sign in (True, False))
    if forward:
        said = f"Distance predicts gain, by {_join_predictors(forward)} (permutation test, Holm's p below {ALPHA:g})."
    else:
        said = f"Distance is not shown to predict gain, by any of {len(near)} ways to measure it."
    if backward:
        said += f" Backwards, the closer the less gain: {_join_predictors(backward)}."
    # A mean of few targets lies high by chance: the best is one of those that order the most.
    most = max(_count_ordered_targets(one) for one in near)
    return f"{said} {_describe_best(max((one for one in near if _count_ordered_targets(one) == most), key=_average_correlation), judged)}"


def _describe_best(one: PredictorJudgement, judged: PredictorComparison) -> str:
    assert one.p is not None and one.holm is not None  # of those that were measured
    tasks, targets = len(judged.matrix.candidates), _count_ordered_targets(one)
    said = (
        f"The highest rank correlation with gain has {one.predictor.name}: {_average_correlation(one):+.2f} over {tasks} intermediate "
        f"tasks, mean of {pluralise(targets, 'target')}, {format_p(one.p)}, after Holm's correction {format_p(one.holm)}."
    )
    saved = one.errors.out_of_sample_r2
    if not np.isfinite(saved):
        return said
    much = f"saves {saved:.0%}" if saved > 0 else f"adds {-saved:.0%}"
    return f"{said} Of the squared error of the mean as a guess of the gains on a target left out it {much}."


def _count_ordered_targets(one: PredictorJudgement) -> int:
    """How many targets have an order of tasks by this predictor."""
    return int(one.correlation.column_mask.sum())


def _describe_focus(judged: PredictorComparison) -> tuple[str, ...]:
    place = judged.focus_index
    if place is None:
        return (f"{DEFAULT_FOCUS} is no target here: --target takes another to compare with the rest.",)
    tested = [one for one in judged.judgements if one.focus_p is not None]
    if not tested:
        return (f"{judged.focus} cannot be compared with other targets here.",)
    sure = [one for one in tested if one.focus_holm is not None and one.focus_holm < ALPHA]
    if sure:
        said = f"{judged.focus} is predicted otherwise than the other targets, by {_join_predictors(sure)}."
    else:
        said = f"{judged.focus} is not shown to be predicted otherwise than the other targets."
    lead = next((one for one in tested if one.predictor.name == ALL_DISTANCES), max(tested, key=_average_correlation))
    apart = float(np.nanmean(lead.correlation.contrast(place)))
    low, high = lead.correlation.contrast_null_interval(place) or (np.nan, np.nan)
    return (
        f"{said} By {lead.predictor.name} its rank correlation is {_average_correlation(lead) + apart * _compute_focus_weight(lead):+.2f}, "
        f"{apart:+.2f} from that of the others; {CONFIDENCE_LEVEL:.0%} of all relabellings of the tasks give {low:+.2f} to "
        f"{high:+.2f}.",
    )


def _compute_focus_weight(one: PredictorJudgement) -> float:
    """The mean over targets is the focus less this share of its difference from the others."""
    targets = int(one.correlation.column_mask.sum())
    return (targets - 1) / targets


def _describe_other_predictors(judged: PredictorComparison) -> str:
    """What needs no distance: a little tuning, and the trivial predictors."""
    others = {one.predictor.name: one for one in judged.judgements if one.predictor.category != "distance"}
    parts = []
    for name in (FIRST_TENTH, LOG_TRAIN_SIZE, GAIN_ELSEWHERE):
        one = others.get(name)
        if one is None or not one.correlation.seed_mask.any():
            parts.append(f"{name} orders nothing here")
        else:
            p = (
                ""
                if one.p is None or one.holm is None
                else f" ({format_p(one.p)}, after Holm's correction {format_p(one.holm)})"
            )
            parts.append(f"{name} {_average_correlation(one):+.2f}{p}")
    return f"Without a distance: {', '.join(parts)}."


def _explain_tables(judged: PredictorComparison) -> tuple[str, ...]:
    asked = judged.matrix
    exact = all(one.correlation.is_exact for one in judged.judgements)
    least = min((1 / len(one.correlation.permuted_means) for one in judged.judgements), default=1.0)
    return (
        f"Candidates: {', '.join(asked.candidates)}. Targets: {', '.join(asked.targets)}. Gains are over `{NONE}`, of "
        "the runs that English dev chose.",
        "Rank correlation: Spearman's over the candidates within a target and seed, then the mean over targets; a seed "
        f"that lacks one of the targets is left out. Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds, with {MIN_SEEDS} or "
        "more.",
        f"p: candidates are the units, not cells. {'All' if exact else f'{MAX_PERMUTATIONS:,} drawn'} relabellings, each the same "
        f"for all targets and seeds, two-sided; none gives less than {least:.2g}. After Holm: adjusted for all "
        f"predictors. `{GAIN_ELSEWHERE}` is made of the gains themselves: relabelling does not test it.",
        "Regret@k (Poth et al. 2021): how far the best of the first k tasks falls short of the best of all, in per "
        "cent of its score, on means over seeds; blind: the mean over all orders. NDCG has the true score (0 to 1) as "
        "relevance, as there, so that it is near 1 for any order: compare it with the blind one.",
        "Error saved: by a line of gain on the predictor (standardised within targets) that is fitted on the other "
        "targets, against their mean; a share of the squared error over all targets, below 0 where the line is worse.",
        f"`{ALL_DISTANCES}` fuses the orders of all methods that have every candidate by reciprocal ranks (constant 60), as "
        f"TaskEmb fuses its components. `{FIRST_TENTH}` costs that tenth for every pair of task and target.",
    )


def _list_missing(judged: PredictorComparison) -> tuple[str, ...]:
    asked, names = judged.matrix, {one.predictor.name: one for one in judged.judgements}
    lines = []
    if not any(one.predictor.category == "distance" for one in judged.judgements):
        lines.append(
            f"No stage that counts has a {PROBES_FILE} with distances: they and training sizes come from a sweep that is "
            "run with --probes similarity. What is finished is not measured later: give it another --results folder."
        )
    elif LOG_TRAIN_SIZE in names and not names[LOG_TRAIN_SIZE].correlation.seed_mask.any():
        lines.append(f"The training sets of the candidates have the same size, so `{LOG_TRAIN_SIZE}` orders nothing.")
    if asked.left_out:
        lines.append(
            f"No candidates, for they are controls, mixtures or variants of a task: {', '.join(asked.left_out)}."
        )
    partial = [one.predictor.name for one in judged.judgements if _is_partial(one, judged)]
    if partial:
        lines.append(
            f"Not for every candidate and target: {', '.join(partial)}. LEEP and NCE need an intermediate task with "
            "labels of the target's own kind. Only candidates with numbers for the same targets take each other's "
            "place."
        )
    there = np.isfinite(asked.gains)
    if not there.all():
        short = [
            f"{task} -> {target}"
            for i, task in enumerate(asked.candidates)
            for t, target in enumerate(asked.targets)
            if not there[i, t].all()
        ]
        lines.append(
            f"{(~there).sum()} of {there.size} gains (task x target x seed) are missing: {', '.join(short)}. Runs that "
            "learned nothing are in no gain, so the worst tasks may be missing in an order."
        )
    return tuple(lines)


def _is_partial(one: PredictorJudgement, judged: PredictorComparison) -> bool:
    there = np.isfinite(one.predictor.values).any(axis=2)
    return bool((~there & np.isfinite(judged.matrix.gains).any(axis=2)).any())


def _average_correlation(one: PredictorJudgement) -> float:
    return float(np.nanmean(one.correlation.mean_by_seed()))


def _join_predictors(several: Sequence[PredictorJudgement]) -> str:
    return ", ".join(one.predictor.name for one in several)
