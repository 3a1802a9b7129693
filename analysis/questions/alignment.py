"""Does the intermediate phase align languages, and does alignment that rises go with gain?

PRIMARY alone decides, by its mean over all layers and languages: where the aligned layer only moves, nothing is better
aligned. A rise must show over the start and over every control, so these p values need no adjustment; a relation may
show across tasks or across languages, so those two are adjusted for being two. The p values of the other measures are
adjusted for their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE, Alignment
from analysis.statistics.association import Association, measure_association
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.significance import adjust_p_values, compute_p_values

FROM_START = "start"  # what a rise is compared with, beside the controls
ACROSS_TASKS, ACROSS_LANGUAGES, ACROSS_TASKS_AFTER_TARGET = (
    "intermediate tasks",
    "languages",
    "intermediate tasks, after the target's phase",
)


@dataclass(frozen=True, slots=True)
class AlignmentRise:
    """A mean over seeds in points, its interval, and the p value that it is 0: None where seeds are too few."""

    mean: float | None
    interval: tuple[float, float] | None
    p: float | None
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentFindings:
    """Per measure what is tested; `adjusted` p values are Holm's, see above."""

    rises: Mapping[str, Mapping[str, AlignmentRise]]  # START or a control -> measure: mean of the tasks over it
    adjusted_rises: Mapping[str, Mapping[str, float | None]]  # of all measures but PRIMARY
    rises_by_chain: Mapping[
        str, Mapping[str, AlignmentRise]
    ]  # START or a control -> chain, by PRIMARY; p adjusted for the chains
    relations: Mapping[str, Mapping[str, Association]]  # TASKS, LANGUAGES or TARGET_PHASE -> measure
    adjusted_relations: Mapping[str, Mapping[str, float | None]]


def assess_alignment(found: Alignment, rng: np.random.Generator) -> AlignmentFindings:
    """All tests. `rng` draws orders where there are too many units to try them all."""
    risen = found.phase_change.mean(axis=(2, 3))  # [measures, chains, seeds]
    tasks = risen[:, found.task_indices].mean(
        axis=1
    )  # NaN at a seed that a task lacks: a mean of fewer is another quantity
    over: dict[str, Array] = {FROM_START: np.zeros_like(tasks)}
    over |= {name: risen[:, found.chains.index(name)] for name in found.controls}
    rises = {name: dict(zip(MEASURES, _estimate_rises(tasks - zero), strict=True)) for name, zero in over.items()}
    chains = [found.chains[i] for i in found.task_indices]
    by_chain = {
        name: dict(zip(chains, _estimate_rises(risen[0, found.task_indices] - zero[0], adjust=True), strict=True))
        for name, zero in over.items()
    }
    relations = _relate_rises_to_gains(found, rng)
    return AlignmentFindings(
        rises=rises,
        adjusted_rises={
            name: _adjust_p_values({measure: one.p for measure, one in of.items() if measure != PRIMARY_MEASURE})
            for name, of in rises.items()
        },
        rises_by_chain=by_chain,
        relations=relations,
        adjusted_relations=_adjust_relations(relations),
    )


def _estimate_rises(values: Array, *, adjust: bool = False) -> list[AlignmentRise]:
    """One per row of [rows, seeds]."""
    found, p = compute_moments(values), compute_p_values(values)
    p = adjust_p_values(p) if adjust else p
    return [
        AlignmentRise(
            mean=_finite_or_none(found.mean[i]),
            interval=None if np.isnan(ends).any() else (float(ends[0]), float(ends[1])),
            p=_finite_or_none(p[i]),
            seeds=int(found.count[i]),
        )
        for i, ends in enumerate(compute_intervals(values))
    ]


def _adjust_p_values(p: Mapping[str, float | None]) -> dict[str, float | None]:
    """Holm's p values."""
    values = adjust_p_values(np.array([*p.values()], dtype=np.float64))
    return {name: _finite_or_none(value) for name, value in zip(p, values, strict=True)}


def _adjust_relations(
    relations: Mapping[str, Mapping[str, Association]],
) -> dict[str, dict[str, float | None]]:
    """Of PRIMARY for the two relations that decide, of the others for their number; after the target's phase of all."""
    deciding = _adjust_p_values({name: relations[name][PRIMARY_MEASURE].p for name in (ACROSS_TASKS, ACROSS_LANGUAGES)})
    adjusted = {}
    for name, by_measure in relations.items():
        p = {measure: one.p for measure, one in by_measure.items()}
        if name in deciding:
            others = _adjust_p_values({measure: value for measure, value in p.items() if measure != PRIMARY_MEASURE})
            adjusted[name] = {PRIMARY_MEASURE: deciding[name], **others}
        else:
            adjusted[name] = _adjust_p_values(p)
    return adjusted


def _relate_rises_to_gains(found: Alignment, rng: np.random.Generator) -> dict[str, dict[str, Association]]:
    """Rise against gain, the units once intermediate tasks (controls among them) and once languages.

    Tasks: a group per target, the gain its mean over languages. Languages: a group per chain and target, the rise of
    each language its mean over layers. After the target's phase: how much better aligned than the baseline's run.
    """
    chains, targets = len(found.chains), len(found.targets)
    scored = np.isfinite(found.gains).any(axis=0)  # [targets, languages]
    heard = scored.sum(axis=1)  # languages of each target
    by_task = np.where(scored, found.gains, 0).sum(axis=2) / np.where(heard > 0, heard, np.nan)  # [chains, targets]
    by_language = found.gains.reshape(chains * targets, -1)
    relations: dict[str, dict[str, Association]] = {
        ACROSS_TASKS: {},
        ACROSS_LANGUAGES: {},
        ACROSS_TASKS_AFTER_TARGET: {},
    }
    for i, measure in enumerate(MEASURES):
        risen = compute_moments(found.phase_change[i].mean(axis=1)).mean  # [chains, languages]
        ahead = (found.after_target[i, 1:] - found.after_target[i, :1]).mean(axis=(2, 3))  # [chains, targets, seeds]
        relations[ACROSS_TASKS][measure] = measure_association(
            np.tile(risen.mean(axis=1), (targets, 1)), by_task.T, rng
        )
        relations[ACROSS_LANGUAGES][measure] = measure_association(np.repeat(risen, targets, axis=0), by_language, rng)
        relations[ACROSS_TASKS_AFTER_TARGET][measure] = measure_association(
            compute_moments(ahead).mean.T, by_task.T, rng
        )
    return relations


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
