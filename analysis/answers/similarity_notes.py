"""Notes below the answer of similarity.py: what its tables show, and what is missing in them."""

import numpy as np

from analysis.questions.predictors import ALL_DISTANCES, FIRST_TENTH, GAIN_ELSEWHERE, LOG_TRAIN_SIZE
from analysis.questions.similarity import PredictorComparison, PredictorJudgement
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.permutation import MAX_PERMUTATIONS
from analysis.tables.source import list_names
from spaces.chain import NONE
from spaces.probe_columns import PROBES_FILE


def explain_tables(comparison: PredictorComparison) -> tuple[str, ...]:
    """Return what the columns of the tables mean: units, intervals, p and each measure."""
    matrix = comparison.matrix
    is_exact = all(each.correlation.is_exact for each in comparison.judgements)
    least = min((1 / len(each.correlation.permuted_means) for each in comparison.judgements), default=1.0)
    relabellings = "All" if is_exact else f"{MAX_PERMUTATIONS:,} random"
    return (
        f"Candidates: {list_names(matrix.candidates)}. Targets: {list_names(matrix.targets)}. Gains are over `{NONE}`, "
        "of the runs that English dev chose.",
        "Rank correlation: Spearman's over the candidates within a target and seed, then the mean over targets. A "
        f"seed that lacks one of the targets is left out. Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over "
        f"{MIN_SEEDS} or more seeds.",
        f"p: the units are candidates, not cells. {relabellings} relabellings, each the same for all targets and "
        f"seeds, two-sided; the smallest possible p is {least:.2g}. Holm: adjusted for all predictors. "
        f"`{GAIN_ELSEWHERE}` is made of the gains themselves, so relabelling does not test it.",
        "p in kinds: only candidates of the same kind of task exchange places, so a difference between kinds is no "
        "evidence. Not adjusted for the number of predictors.",
        "Regret@k (Poth et al. 2021): how far the best of the first k tasks falls short of the best of all, in per "
        "cent of its score, on means over seeds. Blind: the mean over all orders. NDCG has the true score (0 to 1) "
        "as relevance, as there, so it is near 1 for any order: compare it with the blind one.",
        "Error saved: a line of gain on the predictor (standardised within targets), fitted on the other targets, "
        "against their mean. It is a share of the squared error over all targets, below 0 where the line is worse.",
        f"`{ALL_DISTANCES}` fuses the orders of all measures that have every candidate by reciprocal ranks (constant "
        f"60), as TaskEmb fuses its components. `{FIRST_TENTH}` costs that tenth for every pair of task and target.",
    )


def list_missing(comparison: PredictorComparison) -> tuple[str, ...]:
    """Return what could not be compared, and why: no probes, equal sizes, tasks left out, cells without a number."""
    matrix, names = comparison.matrix, {each.predictor.name: each for each in comparison.judgements}
    lines = []
    if not any(each.predictor.category == "distance" for each in comparison.judgements):
        lines.append(
            f"No stage that counts has a {PROBES_FILE} with distances. Distances and training sizes need a sweep that "
            "is run with --probes similarity. Finished stages are not probed later: use another --results folder."
        )
    elif LOG_TRAIN_SIZE in names and not names[LOG_TRAIN_SIZE].correlation.seed_mask.any():
        lines.append(f"The training sets of the candidates have equal sizes, so `{LOG_TRAIN_SIZE}` orders nothing.")
    if matrix.left_out:
        lines.append(f"No candidates, because they are controls, mixtures or variants: {list_names(matrix.left_out)}.")
    partial = [each.predictor.name for each in comparison.judgements if _is_partial(each, comparison)]
    if partial:
        lines.append(
            f"Not for every candidate and target: {list_names(partial)}. LEEP and NCE need an intermediate task with "
            "labels of the target's own kind. Only candidates with numbers for the same targets are permuted."
        )
    present = np.isfinite(matrix.gains)
    if not present.all():
        cells = np.argwhere(~present.all(axis=2))
        incomplete = [f"{matrix.candidates[i]} -> {matrix.targets[t]}" for i, t in cells]
        lines.append(
            f"{(~present).sum()} of {present.size} gains (task x target x seed) are missing: {list_names(incomplete)}. "
            "Degenerate runs have no gain, so the worst tasks may be missing in an order."
        )
    return tuple(lines)


def _is_partial(judgement: PredictorJudgement, comparison: PredictorComparison) -> bool:
    present = np.isfinite(judgement.predictor.values).any(axis=2)
    return bool((~present & np.isfinite(comparison.matrix.gains).any(axis=2)).any())
