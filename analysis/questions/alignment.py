"""Does the intermediate phase align languages, and do gains grow with alignment?

Only PRIMARY_MEASURE decides, by its mean over all layers and languages: if only the best layer moves, nothing is
better aligned. A rise must show over the start and over every control, so these p values need no adjustment. A
relation may show across tasks or across languages, so those two are adjusted for being two. The p values of the
other measures are adjusted for their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE, SECONDARY_MEASURES, Alignment
from analysis.statistics.association import Association, measure_association
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array, compute_moments, finite_or_none
from analysis.statistics.significance import adjust_p_values, compute_p_values

FROM_START = "start"  # the reference of a rise, beside the controls
ACROSS_TASKS = "intermediate tasks"
ACROSS_LANGUAGES = "languages"
ACROSS_TASKS_AFTER_TARGET = "intermediate tasks, after the target's phase"


@dataclass(frozen=True, slots=True)
class AlignmentRise:
    """A mean over seeds in points, its interval, and the p value of no rise; None where seeds are too few."""

    mean: float | None
    interval: tuple[float, float] | None
    p: float | None
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentFindings:
    """All tests, per measure; `adjusted_...` are Holm's p values (see the module's docstring)."""

    rises: Mapping[str, Mapping[str, AlignmentRise]]  # FROM_START or a control -> measure: mean of the tasks over it
    adjusted_rises: Mapping[str, Mapping[str, float | None]]  # of the secondary measures
    # FROM_START or a control -> chain: rise of the primary measure, with p adjusted for the chains
    rises_by_chain: Mapping[str, Mapping[str, AlignmentRise]]
    relations: Mapping[str, Mapping[str, Association]]  # ACROSS_... -> measure
    adjusted_relations: Mapping[str, Mapping[str, float | None]]


def assess_alignment(alignment: Alignment, rng: np.random.Generator) -> AlignmentFindings:
    """Run all tests. `rng` draws permutations where there are too many units to try them all."""
    rises_by_seed = alignment.phase_change.mean(axis=(2, 3))  # [measures, chains, seeds]
    # NaN at a seed that a task lacks: a mean of fewer tasks is another quantity.
    tasks = rises_by_seed[:, alignment.task_indices].mean(axis=1)
    references: dict[str, Array] = {FROM_START: np.zeros_like(tasks)}
    references |= {name: rises_by_seed[:, alignment.chains.index(name)] for name in alignment.controls}
    rises = {
        name: dict(zip(MEASURES, _estimate_rises(tasks - reference), strict=True))
        for name, reference in references.items()
    }
    chains = [alignment.chains[i] for i in alignment.task_indices]
    primary = rises_by_seed[0, alignment.task_indices]
    by_chain = {
        name: dict(zip(chains, _estimate_rises(primary - reference[0], adjust=True), strict=True))
        for name, reference in references.items()
    }
    relations = _relate_rises_to_gains(alignment, rng)
    return AlignmentFindings(
        rises=rises,
        adjusted_rises={
            name: _adjust_p_values({measure: by_measure[measure].p for measure in SECONDARY_MEASURES})
            for name, by_measure in rises.items()
        },
        rises_by_chain=by_chain,
        relations=relations,
        adjusted_relations=_adjust_relations(relations),
    )


def _estimate_rises(values: Array, *, adjust: bool = False) -> list[AlignmentRise]:
    """Return one rise per row of [rows, seeds]."""
    moments, p = compute_moments(values), compute_p_values(values)
    p = adjust_p_values(p) if adjust else p
    return [
        AlignmentRise(
            mean=finite_or_none(moments.mean[i]),
            interval=None if np.isnan(bounds).any() else (float(bounds[0]), float(bounds[1])),
            p=finite_or_none(p[i]),
            seeds=int(moments.count[i]),
        )
        for i, bounds in enumerate(compute_intervals(values))
    ]


def _adjust_p_values(p: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return Holm's p values."""
    values = adjust_p_values(np.array([*p.values()], dtype=np.float64))
    return {name: finite_or_none(value) for name, value in zip(p, values, strict=True)}


def _adjust_relations(relations: Mapping[str, Mapping[str, Association]]) -> dict[str, dict[str, float | None]]:
    """Return Holm's p values of all relations.

    The primary measure is adjusted over the two relations that decide, the other measures over their number; after the
    target's phase, all measures together.
    """
    deciding = _adjust_p_values({name: relations[name][PRIMARY_MEASURE].p for name in (ACROSS_TASKS, ACROSS_LANGUAGES)})
    adjusted = {}
    for name, by_measure in relations.items():
        primary = {PRIMARY_MEASURE: deciding[name]} if name in deciding else {}
        others = {measure: each.p for measure, each in by_measure.items() if measure not in primary}
        adjusted[name] = primary | _adjust_p_values(others)
    return adjusted


def _relate_rises_to_gains(alignment: Alignment, rng: np.random.Generator) -> dict[str, dict[str, Association]]:
    """Return the correlation of rise and gain across intermediate tasks (with controls) and across languages.

    Tasks: one group per target; the gain is its mean over languages. Languages: one group per chain and target; a
    language's rise is its mean over layers. After the target's phase: alignment above that of the baseline's run.
    """
    chains, targets = len(alignment.chains), len(alignment.targets)
    scored_mask = np.isfinite(alignment.gains).any(axis=0)  # [targets, languages]
    counts = scored_mask.sum(axis=1)  # languages of each target
    by_task = np.where(scored_mask, alignment.gains, 0).sum(axis=2) / np.where(counts > 0, counts, np.nan)
    by_language = alignment.gains.reshape(chains * targets, -1)
    relations: dict[str, dict[str, Association]] = {}
    for i, measure in enumerate(MEASURES):
        rises = compute_moments(alignment.phase_change[i].mean(axis=1)).mean  # [chains, languages]
        lead = alignment.after_target[i, 1:] - alignment.after_target[i, :1]
        after_target = compute_moments(lead.mean(axis=(2, 3))).mean  # [chains, targets]
        pairs = {
            ACROSS_TASKS: (np.tile(rises.mean(axis=1), (targets, 1)), by_task.T),
            ACROSS_LANGUAGES: (np.repeat(rises, targets, axis=0), by_language),
            ACROSS_TASKS_AFTER_TARGET: (after_target.T, by_task.T),
        }
        for name, (rise, gain) in pairs.items():
            relations.setdefault(name, {})[measure] = measure_association(rise, gain, rng)
    return relations
