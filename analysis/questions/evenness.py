"""Evenness of scores and gains over languages: by (group of) language, and from English to the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from analysis.questions.chains import list_candidates
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
    """Scores and gains by language, in points.

    `scores` and `gains` are by chain and (group of) language: the mean over a target's languages in the group, then
    over the targets that have one. `measures` are per target, over its languages other than English: its English score,
    the mean of the others, the gap between both, the worst of the others, the mean of their worst quarter, and their
    standard deviation; a seed counts only if it has every language that any chain has. A mean over targets takes the
    seeds that have them all. `relative_gains` are means over the intermediate tasks that are no controls. Gains of two
    groups are over different targets; relative gains, on the same targets, can be compared.
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
    worst_languages: Mapping[tuple[str, str], str]  # chain, target -> language other than English, lowest mean

    def average_over_targets(self, measure: EvennessMeasure, targets: Sequence[str]) -> Array:
        """Return the mean over targets, chains x seeds; NaN where one is missing."""
        indices = [self.transfer.targets.index(target) for target in targets]
        return np.asarray(self.measures[measure][:, indices].mean(axis=1))

    def count_complete_targets(self, chain: str) -> int:
        """Return how many measured targets have every language, at the chain's most complete seed."""
        indices = [self.transfer.targets.index(target) for target in self.measured_targets]
        return int(np.isfinite(self.measures["others"][self.transfer.chains.index(chain), indices]).sum(axis=0).max())

    def compute_change(self, measure: EvennessMeasure, targets: Sequence[str]) -> Array:
        """Return the mean over targets less the baseline's at the same seed, chains x seeds; 0 for the baseline."""
        values = self.average_over_targets(measure, targets)
        return values - values[:1]


def measure_evenness(transfer: Transfer, by: GroupBy = "language", target: str | None = None) -> Evenness:
    """Return scores and gains by language or group, for all targets or one; raise UsageError for no target or score."""
    if not transfer.languages:
        raise UsageError(f"{transfer.loaded_scores.source}: no target has a score in any language: nothing to compare.")
    if target is not None and target not in transfer.targets:
        raise UsageError(f"--target: {describe_unknown('target', target, transfer.targets)}")
    scope = transfer.targets if target is None else (target,)
    columns = [
        replace(column, targets=tuple(name for name in column.targets if name in scope))
        for column in build_columns(transfer, by)
        if not column.is_mean
    ]
    columns = [column for column in columns if column.targets]
    measures = _compute_measures(transfer)
    with_gap = tuple(name for name in scope if np.isfinite(measures["gap"][:, transfer.targets.index(name)]).any())
    return Evenness(
        transfer=transfer,
        by=by,
        groups={name: tuple(sorted(members)) for name, members in group_languages(transfer, by).items()},
        targets_by_group={column.name: column.targets for column in columns},
        scores=estimate_table(transfer, transfer.scores, transfer.chains, columns, transfer.holes),
        gains=estimate_table(transfer, transfer.gains, transfer.intermediates, columns, transfer.holes),
        relative_gains={column.name: _compute_relative_gain(transfer, column) for column in columns},
        measured_targets=with_gap if target is None else scope,
        measures=measures,
        worst_languages=_find_worst_languages(transfer),
    )


def list_unknown_languages(evenness: Evenness) -> tuple[str, ...]:
    """Return the languages that the benchmark does not know; none where languages are not grouped."""
    return evenness.groups.get(UNKNOWN_GROUP, ())


def _compute_relative_gain(transfer: Transfer, column: TransferColumn) -> Array:
    """Return one value per seed; NaN where an intermediate task that other seeds have is missing."""
    tasks = [transfer.intermediates.index(name) for name in list_candidates(transfer)]
    foreign = replace(column, languages=frozenset(name for name in transfer.languages if name != ENGLISH))
    own, other = (compute_column(transfer, each, transfer.gains).values[tasks] for each in (column, foreign))
    lead = own - other
    return np.asarray(lead[np.isfinite(lead).any(axis=1)].mean(axis=0)) if np.isfinite(lead).any() else lead[0]


def _compute_measures(transfer: Transfer) -> dict[EvennessMeasure, Array]:
    """Return each measure as chains x targets x seeds."""
    measures = np.full((len(MEASURES), len(transfer.chains), len(transfer.targets), len(transfer.seeds)), np.nan)
    for index in range(len(transfer.targets)):
        scored = np.flatnonzero(transfer.scored_mask[index])
        names = [transfer.languages[language] for language in scored]
        values = transfer.scores[:, index, scored].swapaxes(1, 2)  # chains x seeds x languages
        values = np.where(np.isfinite(values).all(axis=-1, keepdims=True), values, np.nan)
        foreign = values[..., [language for language, name in enumerate(names) if name != ENGLISH]]
        if foreign.shape[-1]:
            others, robustness = foreign.mean(axis=-1), measure_robustness(foreign, None)
            english = values[..., names.index(ENGLISH)] if ENGLISH in names else np.full(others.shape, np.nan)
            evenness = (robustness.worst, robustness.worst_quarter, robustness.sd)
            measures[:, :, index] = english, others, english - others, *evenness
    return dict(zip(MEASURES, measures, strict=True))


def _find_worst_languages(transfer: Transfer) -> dict[tuple[str, str], str]:
    """Return the language with the lowest mean over the seeds that have every language."""
    worst = {}
    for index, target in enumerate(transfer.targets):
        foreign = [i for i in np.flatnonzero(transfer.scored_mask[index]) if transfer.languages[i] != ENGLISH]
        for row, chain in enumerate(transfer.chains if foreign else ()):
            values = transfer.scores[row, index, foreign]  # languages x seeds
            complete = np.isfinite(values).all(axis=0)
            if complete.any():
                worst[chain, target] = transfer.languages[foreign[int(values[:, complete].mean(axis=1).argmin())]]
    return worst
