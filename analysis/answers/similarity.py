"""The printed answer of similarity.py: whether task similarity predicts gain."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.predictors import FEW_STEPS, FUSED, OTHERS, SIZE
from analysis.questions.similarity import FOCUS, Judged, Similarity
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.permutation import COUNT
from analysis.statistics.significance import ALPHA
from analysis.tables.answer import Answer
from analysis.tables.over_seeds import of_p
from analysis.tables.predictions import by_predictor, by_target, focus, matrices, orders
from analysis.tables.source import many, read_from
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.probe_columns import PROBES

QUESTION = "Does the distance between intermediate task and target predict gain?"
SEED = 0  # of the permutations


def answer(found: Transfer, judged: Similarity, *, all_numbers: bool = False) -> Answer:
    """What is printed; `all_numbers` adds every predictor as a matrix."""
    tables = (by_predictor(judged), focus(judged), by_target(judged), orders(judged))
    return Answer(
        question=QUESTION,
        answer=(_verdict(judged), *_focus_said(judged), _others_said(judged)),
        read=read_from(found.read),
        tables=(*(table for table in tables if table is not None), *(matrices(judged) if all_numbers else ())),
        notes=(*_how_to_read(judged), *_missing(judged)),
    )


def _verdict(judged: Similarity) -> str:
    near = [one for one in judged.judged if one.predictor.sort == "distance" and one.p is not None]
    if not near:
        return "Whether distance predicts gain cannot be told: none was measured, or no seed has it for every target."
    sure = [one for one in near if one.holm is not None and one.holm < ALPHA]
    forward, backward = ([one for one in sure if (_mean(one) > 0) == sign] for sign in (True, False))
    if forward:
        said = f"Distance predicts gain, by {_named(forward)} (permutation test, Holm's p below {ALPHA:g})."
    else:
        said = f"Distance is not shown to predict gain, by any of {len(near)} ways to measure it."
    if backward:
        said += f" Backwards, the closer the less gain: {_named(backward)}."
    # A mean of few targets lies high by chance: the best is one of those that order the most.
    most = max(_ordered(one) for one in near)
    return f"{said} {_best(max((one for one in near if _ordered(one) == most), key=_mean), judged)}"


def _best(one: Judged, judged: Similarity) -> str:
    assert one.p is not None and one.holm is not None  # of those that were measured
    tasks, targets = len(judged.asked.candidates), _ordered(one)
    said = (
        f"The highest rank correlation with gain has {one.predictor.name}: {_mean(one):+.2f} over {tasks} intermediate "
        f"tasks, mean of {many(targets, 'target')}, {of_p(one.p)}, after Holm's correction {of_p(one.holm)}."
    )
    saved = one.errors.saved
    if not np.isfinite(saved):
        return said
    much = f"saves {saved:.0%}" if saved > 0 else f"adds {-saved:.0%}"
    return f"{said} Of the squared error of the mean as a guess of the gains on a target left out it {much}."


def _ordered(one: Judged) -> int:
    """How many targets have an order of tasks by this predictor."""
    return int(one.related.columns.sum())


def _focus_said(judged: Similarity) -> tuple[str, ...]:
    place = judged.place
    if place is None:
        return (f"{FOCUS} is no target here: --target takes another to compare with the rest.",)
    tested = [one for one in judged.judged if one.p_apart is not None]
    if not tested:
        return (f"{judged.focus} cannot be compared with other targets here.",)
    sure = [one for one in tested if one.holm_apart is not None and one.holm_apart < ALPHA]
    if sure:
        said = f"{judged.focus} is predicted otherwise than the other targets, by {_named(sure)}."
    else:
        said = f"{judged.focus} is not shown to be predicted otherwise than the other targets."
    lead = next((one for one in tested if one.predictor.name == FUSED), max(tested, key=_mean))
    apart = float(np.nanmean(lead.related.apart(place)))
    low, high = lead.related.chance_apart(place) or (np.nan, np.nan)
    return (
        f"{said} By {lead.predictor.name} its rank correlation is {_mean(lead) + apart * _weight(lead):+.2f}, "
        f"{apart:+.2f} from that of the others; {LEVEL:.0%} of all relabellings of the tasks give {low:+.2f} to "
        f"{high:+.2f}.",
    )


def _weight(one: Judged) -> float:
    """The mean over targets is the focus less this share of its difference from the others."""
    targets = int(one.related.columns.sum())
    return (targets - 1) / targets


def _others_said(judged: Similarity) -> str:
    """What needs no distance: a little tuning, and the trivial predictors."""
    others = {one.predictor.name: one for one in judged.judged if one.predictor.sort != "distance"}
    parts = []
    for name in (FEW_STEPS, SIZE, OTHERS):
        one = others.get(name)
        if one is None or not one.related.seeds.any():
            parts.append(f"{name} orders nothing here")
        else:
            p = (
                ""
                if one.p is None or one.holm is None
                else f" ({of_p(one.p)}, after Holm's correction {of_p(one.holm)})"
            )
            parts.append(f"{name} {_mean(one):+.2f}{p}")
    return f"Without a distance: {', '.join(parts)}."


def _how_to_read(judged: Similarity) -> tuple[str, ...]:
    asked = judged.asked
    exact = all(one.related.exact for one in judged.judged)
    least = min((1 / len(one.related.by_column) for one in judged.judged), default=1.0)
    return (
        f"Candidates: {', '.join(asked.candidates)}. Targets: {', '.join(asked.targets)}. Gains are over `{NONE}`, of "
        "the runs that English dev chose.",
        "Rank correlation: Spearman's over the candidates within a target and seed, then the mean over targets; a seed "
        f"that lacks one of the targets is left out. Intervals: {LEVEL:.0%}, Student's t over seeds, with {FEWEST} or "
        "more.",
        f"p: candidates are the units, not cells. {'All' if exact else f'{COUNT:,} drawn'} relabellings, each the same "
        f"for all targets and seeds, two-sided; none gives less than {least:.2g}. After Holm: adjusted for all "
        f"predictors. `{OTHERS}` is made of the gains themselves: relabelling does not test it.",
        "Regret@k (Poth et al. 2021): how far the best of the first k tasks falls short of the best of all, in per "
        "cent of its score, on means over seeds; blind: the mean over all orders. NDCG has the true score (0 to 1) as "
        "relevance, as there, so that it is near 1 for any order: compare it with the blind one.",
        "Error saved: by a line of gain on the predictor (standardised within targets) that is fitted on the other "
        "targets, against their mean; a share of the squared error over all targets, below 0 where the line is worse.",
        f"`{FUSED}` fuses the orders of all methods that have every candidate by reciprocal ranks (constant 60), as "
        f"TaskEmb fuses its components. `{FEW_STEPS}` costs that tenth for every pair of task and target.",
    )


def _missing(judged: Similarity) -> tuple[str, ...]:
    asked, names = judged.asked, {one.predictor.name: one for one in judged.judged}
    lines = []
    if not any(one.predictor.sort == "distance" for one in judged.judged):
        lines.append(
            f"No stage that counts has a {PROBES} with distances: they and training sizes come from a sweep that is "
            "run with --probes similarity. What is finished is not measured later: give it another --results folder."
        )
    elif SIZE in names and not names[SIZE].related.seeds.any():
        lines.append(f"The training sets of the candidates have the same size, so `{SIZE}` orders nothing.")
    if asked.left_out:
        lines.append(
            f"No candidates, for they are controls, mixtures or variants of a task: {', '.join(asked.left_out)}."
        )
    partial = [one.predictor.name for one in judged.judged if _partial(one, judged)]
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


def _partial(one: Judged, judged: Similarity) -> bool:
    there = np.isfinite(one.predictor.values).any(axis=2)
    return bool((~there & np.isfinite(judged.asked.gains).any(axis=2)).any())


def _mean(one: Judged) -> float:
    return float(np.nanmean(one.related.mean()))


def _named(several: Sequence[Judged]) -> str:
    return ", ".join(one.predictor.name for one in several)
