"""How evenly scores and gains hold over languages: by (group of) language, and from English to the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from analysis.statistics.moments import Array
from analysis.statistics.robustness import measure_robustness
from analysis.transfer.array import Transfer
from analysis.transfer.columns import (
    UNKNOWN_GROUP,
    GroupBy,
    TransferColumn,
    build_columns,
    compute_column,
    group_languages,
)
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.table import describe_unknown

EvennessMeasure = Literal["english", "others", "gap", "worst", "quarter", "spread"]
MEASURES: tuple[EvennessMeasure, ...] = get_args(EvennessMeasure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenness:
    """Everything about languages, in points.

    `scores` and `gains` are by chain and (group of) language: the mean over a target's languages in the group, then
    over the targets that have one. `measures` are over a target's languages other than English, where each that any
    chain has is there: its English score, the mean of the others, the gap between both, the worst of the others, the
    mean of their worst quarter and their standard deviation. A seed counts in a mean over targets if it has them all.
    `beside` is the mean over the intermediates that are no controls. Gains of two groups are over different targets;
    what each has beyond the other languages on its own targets can be compared.
    """

    transfer: Transfer
    by: GroupBy
    groups: Mapping[str, tuple[str, ...]]  # name -> languages
    targets_by_group: Mapping[str, tuple[str, ...]]  # group -> targets that are scored in it
    scores: Mapping[EstimateKey, Estimate]  # chain, group
    gains: Mapping[EstimateKey, Estimate]  # intermediate, group
    relative_gains: Mapping[str, Array]  # group -> by seed: its gain less that of all others on the same targets
    measured_targets: tuple[str, ...]  # the targets that the means of `measures` are over
    measures: Mapping[EvennessMeasure, Array]  # chains x targets x seeds
    worst_languages: Mapping[
        tuple[str, str], str
    ]  # chain, target -> the language other than English with the lowest mean

    def average_over_targets(self, measure: EvennessMeasure, targets: Sequence[str]) -> Array:
        """Chains x seeds: the mean over targets, NaN where one is missing."""
        places = [self.transfer.targets.index(target) for target in targets]
        return np.asarray(self.measures[measure][:, places].mean(axis=1))

    def count_complete_targets(self, chain: str) -> int:
        """How many of the measured targets the fullest seed of a chain has in every language."""
        places = [self.transfer.targets.index(target) for target in self.measured_targets]
        return int(np.isfinite(self.measures["others"][self.transfer.chains.index(chain), places]).sum(axis=0).max())

    def compute_change(self, measure: EvennessMeasure, targets: Sequence[str]) -> Array:
        """Chains x seeds: `over` less the baseline's at the same seed; the baseline's own are 0."""
        values = self.average_over_targets(measure, targets)
        return values - values[:1]


def measure_evenness(found: Transfer, by: GroupBy = "language", target: str | None = None) -> Evenness:
    """Scores and gains by language, family, script or level of resources, over all targets or for one.

    Raises:
        UsageError: there is no such target, or no score at all.
    """
    if not found.languages:
        raise UsageError(
            f"{found.loaded_scores.source}: no target has a score in any language, so there is nothing to compare."
        )
    if target is not None and target not in found.targets:
        raise UsageError(f"--target: {describe_unknown('target', target, found.targets)}")
    scope = found.targets if target is None else (target,)
    shown = [
        replace(column, targets=tuple(name for name in column.targets if name in scope))
        for column in build_columns(found, by)
        if not column.is_mean
    ]
    shown = [column for column in shown if column.targets]
    measures = _compute_measures(found)
    with_gap = tuple(name for name in scope if np.isfinite(measures["gap"][:, found.targets.index(name)]).any())
    return Evenness(
        transfer=found,
        by=by,
        groups={name: tuple(sorted(members)) for name, members in group_languages(found, by).items()},
        targets_by_group={column.name: column.targets for column in shown},
        scores=estimate_table(found, found.scores, found.chains, shown, found.holes),
        gains=estimate_table(found, found.gains, found.intermediates, shown, found.holes),
        relative_gains={column.name: _compute_relative_gain(found, column) for column in shown},
        measured_targets=with_gap if target is None else scope,
        measures=measures,
        worst_languages=_find_worst_languages(found),
    )


def list_unknown_languages(even: Evenness) -> tuple[str, ...]:
    """The languages that the benchmark's table does not have; none where they are not grouped."""
    return even.groups.get(UNKNOWN_GROUP, ())


def _compute_relative_gain(found: Transfer, column: TransferColumn) -> Array:
    """By seed; NaN where an intermediate task that other seeds have is missing."""
    tasks = [place for place, name in enumerate(found.intermediates) if name not in found.loaded_scores.controls]
    foreign = replace(column, languages=frozenset(name for name in found.languages if name != ENGLISH))
    more = (compute_column(found, column, found.gains).values - compute_column(found, foreign, found.gains).values)[
        tasks
    ]
    return np.asarray(more[np.isfinite(more).any(axis=1)].mean(axis=0)) if np.isfinite(more).any() else more[0]


def _compute_measures(found: Transfer) -> dict[EvennessMeasure, Array]:
    """Each is chains x targets x seeds."""
    measures = {name: np.full((len(found.chains), len(found.targets), len(found.seeds)), np.nan) for name in MEASURES}
    for place in range(len(found.targets)):
        asked = np.flatnonzero(found.scored_mask[place])
        names = [found.languages[language] for language in asked]
        values = found.scores[:, place, asked].swapaxes(1, 2)  # chains x seeds x languages
        values = np.where(np.isfinite(values).all(axis=-1, keepdims=True), values, np.nan)
        foreign = [language for language, name in enumerate(names) if name != ENGLISH]
        if not foreign:
            continue
        even = measure_robustness(values[..., foreign], None)
        others = values[..., foreign].mean(axis=-1)
        english = values[..., names.index(ENGLISH)] if ENGLISH in names else np.full(others.shape, np.nan)
        found_here = (english, others, english - others, even.worst, even.worst_quarter, even.sd)
        for name, value in zip(MEASURES, found_here, strict=True):
            measures[name][:, place] = value
    return measures


def _find_worst_languages(found: Transfer) -> dict[tuple[str, str], str]:
    """The lowest mean over the seeds that have every language."""
    worst = {}
    for place, target in enumerate(found.targets):
        foreign = [i for i in np.flatnonzero(found.scored_mask[place]) if found.languages[i] != ENGLISH]
        for row, chain in enumerate(found.chains if foreign else ()):
            values = found.scores[row, place, foreign]  # languages x seeds
            whole = np.isfinite(values).all(axis=0)
            if whole.any():
                worst[chain, target] = found.languages[foreign[int(values[:, whole].mean(axis=1).argmin())]]
    return worst
