"""Does the intermediate phase align languages, and does alignment that rises go with gain?

PRIMARY alone decides, by its mean over all layers and languages: where the aligned layer only moves, nothing is better
aligned. A rise must show over the start and over every control, so these p values need no adjustment; a relation may
show across tasks or across languages, so those two are adjusted for being two. The p values of the other measures are
adjusted for their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.aligned import MEASURES, PRIMARY, Aligned
from analysis.statistics.association import Association, association
from analysis.statistics.interval import intervals
from analysis.statistics.moments import Array, moments
from analysis.statistics.significance import holm, p_values

START = "start"  # what a rise is compared with, beside the controls
TASKS, LANGUAGES, TARGET_PHASE = "intermediate tasks", "languages", "intermediate tasks, after the target's phase"


@dataclass(frozen=True, slots=True)
class Rise:
    """A mean over seeds in points, its interval, and the p value that it is 0: None where seeds are too few."""

    mean: float | None
    interval: tuple[float, float] | None
    p: float | None
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Per measure what is tested; `adjusted` p values are Holm's, see above."""

    rises: Mapping[str, Mapping[str, Rise]]  # START or a control -> measure: mean of the tasks over it
    adjusted_rises: Mapping[str, Mapping[str, float | None]]  # of all measures but PRIMARY
    by_chain: Mapping[str, Mapping[str, Rise]]  # START or a control -> chain, by PRIMARY; p adjusted for the chains
    relations: Mapping[str, Mapping[str, Association]]  # TASKS, LANGUAGES or TARGET_PHASE -> measure
    adjusted_relations: Mapping[str, Mapping[str, float | None]]


def findings(found: Aligned, rng: np.random.Generator) -> Findings:
    """All tests. `rng` draws orders where there are too many units to try them all."""
    risen = found.risen.mean(axis=(2, 3))  # [measures, chains, seeds]
    tasks = risen[:, found.tasks].mean(axis=1)  # NaN at a seed that a task lacks: a mean of fewer is another quantity
    over: dict[str, Array] = {START: np.zeros_like(tasks)}
    over |= {name: risen[:, found.chains.index(name)] for name in found.controls}
    rises = {name: dict(zip(MEASURES, _rises(tasks - zero), strict=True)) for name, zero in over.items()}
    chains = [found.chains[i] for i in found.tasks]
    by_chain = {
        name: dict(zip(chains, _rises(risen[0, found.tasks] - zero[0], adjust=True), strict=True))
        for name, zero in over.items()
    }
    relations = _relations(found, rng)
    return Findings(
        rises=rises,
        adjusted_rises={
            name: _adjusted({measure: one.p for measure, one in of.items() if measure != PRIMARY})
            for name, of in rises.items()
        },
        by_chain=by_chain,
        relations=relations,
        adjusted_relations=_adjusted_relations(relations),
    )


def _rises(values: Array, *, adjust: bool = False) -> list[Rise]:
    """One per row of [rows, seeds]."""
    found, p = moments(values), p_values(values)
    p = holm(p) if adjust else p
    return [
        Rise(
            mean=_number(found.mean[i]),
            interval=None if np.isnan(ends).any() else (float(ends[0]), float(ends[1])),
            p=_number(p[i]),
            seeds=int(found.count[i]),
        )
        for i, ends in enumerate(intervals(values))
    ]


def _adjusted(p: Mapping[str, float | None]) -> dict[str, float | None]:
    """Holm's p values."""
    values = holm(np.array([*p.values()], dtype=np.float64))
    return {name: _number(value) for name, value in zip(p, values, strict=True)}


def _adjusted_relations(
    relations: Mapping[str, Mapping[str, Association]],
) -> dict[str, dict[str, float | None]]:
    """Of PRIMARY for the two relations that decide, of the others for their number; after the target's phase of all."""
    deciding = _adjusted({name: relations[name][PRIMARY].p for name in (TASKS, LANGUAGES)})
    adjusted = {}
    for name, by_measure in relations.items():
        p = {measure: one.p for measure, one in by_measure.items()}
        if name in deciding:
            others = _adjusted({measure: value for measure, value in p.items() if measure != PRIMARY})
            adjusted[name] = {PRIMARY: deciding[name], **others}
        else:
            adjusted[name] = _adjusted(p)
    return adjusted


def _relations(found: Aligned, rng: np.random.Generator) -> dict[str, dict[str, Association]]:
    """Rise against gain, the units once intermediate tasks (controls among them) and once languages.

    Tasks: a group per target, the gain its mean over languages. Languages: a group per chain and target, the rise of
    each language its mean over layers. After the target's phase: how much better aligned than the baseline's run.
    """
    chains, targets = len(found.chains), len(found.targets)
    scored = np.isfinite(found.gains).any(axis=0)  # [targets, languages]
    heard = scored.sum(axis=1)  # languages of each target
    by_task = np.where(scored, found.gains, 0).sum(axis=2) / np.where(heard > 0, heard, np.nan)  # [chains, targets]
    by_language = found.gains.reshape(chains * targets, -1)
    relations: dict[str, dict[str, Association]] = {TASKS: {}, LANGUAGES: {}, TARGET_PHASE: {}}
    for i, measure in enumerate(MEASURES):
        risen = moments(found.risen[i].mean(axis=1)).mean  # [chains, languages]
        ahead = (found.ends[i, 1:] - found.ends[i, :1]).mean(axis=(2, 3))  # [chains, targets, seeds]
        relations[TASKS][measure] = association(np.tile(risen.mean(axis=1), (targets, 1)), by_task.T, rng)
        relations[LANGUAGES][measure] = association(np.repeat(risen, targets, axis=0), by_language, rng)
        relations[TARGET_PHASE][measure] = association(moments(ahead).mean.T, by_task.T, rng)
    return relations


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
