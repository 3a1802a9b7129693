"""Gains for other languages and other targets: intervals that treat those of a sweep as samples.

Intervals over seeds are about these languages and these targets. Here languages other than English stand for others
of such families (families are drawn, with the languages in them), or targets for others like these. The error has
two independent parts, over new ones (`statistics.cluster_errors`) and over seeds. The squares of their half widths add
up (Zou and Donner 2008, Statistics in Medicine 27:1693), which stays valid where one of them has one degree of freedom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from analysis.statistics.cluster_errors import MIN_CLUSTERS, estimate_cluster_errors
from analysis.statistics.gain_errors import GainErrors
from analysis.statistics.interval import MIN_SEEDS, t_quantile
from analysis.statistics.moments import Array, BoolArray, IntArray, average_present
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, build_mean_columns, compute_column, languages_of
from analysis.transfer.uncertainty import Uncertainty
from spaces.language import ENGLISH, split_pair

OTHER_LANGUAGES = "other languages"
NO_GAIN = "it has no gain on every target at any seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleGain:
    """A mean gain with its interval over new languages or targets, or the reason why there is none."""

    mean: float | None
    interval: tuple[float, float] | None = None
    missing: str | None = None  # why there is no interval


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSamples:
    """The gains of every intermediate for other languages and other targets, and the size of both samples."""

    by_language: Mapping[str, SampleGain]  # mean over targets of the mean over languages other than English
    by_target: Mapping[str, SampleGain]  # mean over all targets but wide ones, as the first mean of a table
    languages: tuple[str, ...]
    families: tuple[str, ...]
    alone: tuple[str, ...]  # languages of no known family, each counted as one
    targets: tuple[str, ...]


def find_foreign_column(transfer: Transfer) -> TransferColumn | None:
    """Return the mean over the languages other than English of the mean's targets that have one; None without any."""
    foreign = np.array([name != ENGLISH for name in transfer.languages], np.bool_)
    scored_targets = {transfer.targets[t] for t in np.flatnonzero((transfer.scored_mask & foreign).any(axis=1))}
    names = frozenset(name for name in transfer.languages if name != ENGLISH)
    scored = tuple(target for target in build_mean_columns(transfer)[0].targets if target in scored_targets)
    if not scored:
        return None
    return TransferColumn(name=OTHER_LANGUAGES, targets=scored, languages=names, is_mean=True)


def estimate_new_samples(transfer: Transfer, uncertainty: Uncertainty) -> NewSamples:
    """Return the gains of every intermediate for other languages and other targets."""
    foreign = find_foreign_column(transfer)
    mask = np.zeros_like(transfer.scored_mask)
    if foreign is not None:
        is_counted = np.array([target in foreign.targets for target in transfer.targets], np.bool_)
        mask = transfer.scored_mask & foreign.language_mask(transfer.languages) & is_counted[:, None]
    languages = tuple(transfer.languages[place] for place in np.flatnonzero(mask.any(axis=0)))
    families, alone = _find_families(transfer, languages)
    every = build_mean_columns(transfer)[0]
    return NewSamples(
        by_language=_estimate_by_language(transfer, uncertainty, foreign, mask, families),
        by_target=_estimate_by_target(transfer, uncertainty, every),
        languages=languages,
        families=tuple(sorted(set(families.values()))),
        alone=alone,
        targets=every.targets,
    )


def _find_families(transfer: Transfer, languages: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the family of each language, and those without a known one, which are families of their own.

    A pair of languages, as in `qma-en`, is of the family of the one that is not English.
    """
    table, families, alone = languages_of(transfer), {}, []
    for name in languages:
        sides = [side for side in split_pair(name) if side != ENGLISH and side in table]
        families[name] = table[sides[0]].family if sides else name
        alone += [] if sides else [name]
    return families, tuple(alone)


def _estimate_by_language(
    transfer: Transfer,
    uncertainty: Uncertainty,
    column: TransferColumn | None,
    mask: BoolArray,
    families: Mapping[str, str],
) -> dict[str, SampleGain]:
    if column is None:
        missing = SampleGain(mean=None, missing="no language but English is scored")
        return dict.fromkeys(transfer.intermediates, missing)
    values = compute_column(transfer, column, transfer.gains).values
    used = np.isfinite(values)  # a seed that lacks a target is in no mean over targets
    gains = np.where(used[:, None, None], transfer.gains, np.nan)
    cells = np.where(mask, average_present(gains, axis=-1), np.nan)  # intermediates x targets x languages
    targets, places = np.nonzero(mask)
    codes = np.unique([families.get(name, "") for name in transfer.languages], return_inverse=True)[1]
    few = f"its {len(families)} languages other than English are of one family"
    if len(families) == 1:
        few = f"{next(iter(families))} is the only language other than English"
    sample = _Sample(cells[:, targets, places], targets, codes[places], few)
    return _combine(transfer, uncertainty.estimate(values[:, None], [column]), sample)


def _estimate_by_target(transfer: Transfer, uncertainty: Uncertainty, column: TransferColumn) -> dict[str, SampleGain]:
    values = compute_column(transfer, column, transfer.gains).values
    gains = uncertainty.gains[:, [transfer.targets.index(target) for target in column.targets]]
    cells = average_present(np.where(np.isfinite(values)[:, None], gains, np.nan), axis=-1)
    numbers = np.arange(len(column.targets))
    sample = _Sample(cells, 0 * numbers, numbers, f"{column.targets[0]} is the only target")
    return _combine(transfer, uncertainty.estimate(values[:, None], [column]), sample)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Mean gains over seeds by cell, and how the cells are drawn."""

    cells: Array  # intermediates x cells
    strata: IntArray  # [cells], fixed
    clusters: IntArray  # [cells], drawn
    few: str  # why there is no interval where the clusters are too few


def _combine(transfer: Transfer, errors: GainErrors, sample: _Sample) -> dict[str, SampleGain]:
    """Return the gains with intervals over new clusters and seeds; `errors` are those over seeds, one column."""
    seed_halves = t_quantile(errors.freedom[:, 0]) * np.sqrt(errors.variance[:, 0])
    has_cell = np.isfinite(sample.cells)
    gains: dict[str, SampleGain] = {}
    for pattern in np.unique(has_cell, axis=0):
        rows = np.flatnonzero((has_cell == pattern).all(axis=1))
        if not pattern.any():
            gains |= {transfer.intermediates[row]: SampleGain(mean=None, missing=NO_GAIN) for row in rows}
            continue
        over = estimate_cluster_errors(sample.cells[rows][:, pattern], sample.strata[pattern], sample.clusters[pattern])
        halves = np.hypot(t_quantile(over.freedom) * np.sqrt(over.variance), seed_halves[rows])
        for row, half in zip(rows, halves.tolist(), strict=True):
            mean, seeds = float(errors.mean[row, 0]), int(errors.counts[row, 0])
            missing = None if isfinite(half) else sample.few
            if over.cluster_count >= MIN_CLUSTERS and missing:
                missing = f"it takes {MIN_SEEDS} seeds, and there are {seeds}"
            interval = None if missing else (mean - half, mean + half)
            gains[transfer.intermediates[row]] = SampleGain(mean=mean, interval=interval, missing=missing)
    return {name: gains[name] for name in transfer.intermediates}
