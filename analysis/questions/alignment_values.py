"""Alignment of the encoders behind the scores that count, as arrays beside the gains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.keys import locate_on_axis
from analysis.scores.probes import require_probe_rows
from analysis.statistics.moments import Array, compute_moments
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import benchmarks_of
from analysis.transfer.phases import find_winners
from spaces.chain import MLM, NONE
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.probe_columns import GENERATED, SIB200

PROBE_FAMILY = "alignment"
# Measures, each the mean of its probes. The first was chosen before any change was seen: it requires telling a
# translation from all other sentences, whereas a few directions can carry all of CKA.
MEASURES: Mapping[str, tuple[str, ...]] = {
    "retrieval by margin": ("margin_forward", "margin_backward"),
    "retrieval by cosine": ("retrieval_forward", "retrieval_backward"),
    "unbiased CKA": ("cka",),
    "centred cosine gap": ("cosine_gap",),
    "frozen tag probe": ("transfer_ratio",),
}
PRIMARY_MEASURE, *SECONDARY_MEASURES = MEASURES
UNALIGNED_PROBES = ("retrieval_chance", "retrieval_chance", "cka_permuted", None, None)  # by measure, on unaligned text
ANISOTROPY_PROBE = "random_cosine"
SENTENCE_PROBE = "margin_forward"  # every probe of sentences reads the same ones
PROBES = (
    *dict.fromkeys(probe for probes in MEASURES.values() for probe in probes),
    *UNALIGNED_PROBES[1:3],
    ANISOTROPY_PROBE,
)
CONTROLS = ("random", "sham", MLM)  # their intermediate phase teaches no task

StageKeys = Mapping[tuple[str | int, ...], str]  # chain (and target) and seed -> key of the stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Alignment in points; NaN where a stage was not measured or a value is undefined.

    The axes are measures, chains, targets, layers, languages (other than English) and seeds, in this order; an array
    has those that apply. Chains have an intermediate phase. Targets are trained; retrieval scores alignment itself.
    """

    chains: tuple[str, ...]
    controls: tuple[str, ...]  # those of CONTROLS among the chains
    targets: tuple[str, ...]
    layers: tuple[int, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]
    at_start: Array  # [measures, layers, languages], of the encoder at the start of every chain
    unaligned: Array  # [measures, layers, languages], likewise, of UNALIGNED_PROBES
    after_phase: Array  # [measures, chains, layers, languages, seeds], after the intermediate phase
    after_target: Array  # [measures, 1 + chains, targets, layers, languages, seeds], the baseline first
    anisotropy: tuple[float, float]  # mean cosine of pairs that do not belong together: at the start, after the phase
    gains: Array  # [chains, targets, languages], mean over seeds
    target_sentences: tuple[str, ...] | None = ()  # targets whose own sentences were measured; None: not recorded

    @property
    def task_indices(self) -> list[int]:
        """The indices of the chains that are no controls."""
        return [i for i, name in enumerate(self.chains) if name not in self.controls]

    @property
    def phase_change(self) -> Array:
        """The change made by the intermediate phase, in the shape of `after_phase`."""
        return self.after_phase - self.at_start[:, None, ..., None]


def build_alignment(transfer: Transfer) -> Alignment:
    """Return alignment beside gains; raise UsageError if no stage was measured or none follows an intermediate one."""
    runs = find_winners(transfer)
    intermediate_stages = set(transfer.loaded_scores.intermediate_rows["stage"])
    target_stages: dict[tuple[str | int, ...], str] = {}
    phase_stages: dict[tuple[str | int, ...], str] = {}
    for chain, target, seed, stage, parent in runs.select("intermediate", "target", "seed", "stage", "parent").rows():
        target_stages[chain, target, seed] = stage
        if parent in intermediate_stages:
            phase_stages[chain, seed] = parent
    with_phase = {chain for chain, _ in phase_stages}
    chains = tuple(name for name in transfer.intermediates if name in with_phase)
    if not chains:
        raise UsageError("no target starts from an intermediate stage, so there is no change of alignment to measure.")
    stages = sorted({*target_stages.values(), *phase_stages.values()})
    rows = require_probe_rows(transfer.loaded_scores, stages, PROBE_FAMILY)
    rows = rows.filter(pl.col("probe").is_in(PROBES), pl.col("layer").is_not_null(), pl.col("language") != ENGLISH)
    layers, languages = (tuple(rows[name].unique().sort()) for name in ("layer", "language"))
    # Every stage that measured the start measured the same encoder; chains from a random encoder are not in `chains`.
    before = rows.filter(pl.col("when") == "before", pl.col("intermediate").is_in([NONE, *chains]))
    start = _collect_stage_values(before.with_columns(stage=pl.lit("start")), layers, languages).get("start")
    if start is None:
        raise UsageError("the baseline has no alignment probes, so the start of all chains is not measured.")
    after = _collect_stage_values(rows.filter(when="after"), layers, languages)
    targets = tuple(name for name in transfer.targets if name not in transfer.loaded_scores.retrieval_targets)
    after_phase = _place_stage_values(after, phase_stages, (chains, transfer.seeds), start.shape)
    after_target = _place_stage_values(after, target_stages, ((NONE, *chains), targets, transfer.seeds), start.shape)
    absent, anisotropy = np.full_like(start[0], np.nan), PROBES.index(ANISOTROPY_PROBE)
    return Alignment(
        chains=chains,
        controls=tuple(name for name in CONTROLS if name in chains),
        targets=targets,
        layers=layers,
        languages=languages,
        seeds=transfer.seeds,
        at_start=_average_probes(start),
        unaligned=np.stack([start[PROBES.index(name)] if name else absent for name in UNALIGNED_PROBES]),
        after_phase=_average_probes(after_phase),
        after_target=_average_probes(after_target),
        anisotropy=(float(start[anisotropy].mean()), float(np.nanmean(after_phase[anisotropy]))),
        gains=_compute_mean_gains(transfer, chains, targets, languages),
        target_sentences=_find_target_sentences(transfer, rows),
    )


def _find_target_sentences(transfer: Transfer, rows: pl.DataFrame) -> tuple[str, ...] | None:
    """Return the targets whose sentences were measured; None where the rows, of former versions, do not name them."""
    named = rows.filter(pl.col("probe") == SENTENCE_PROBE)["target"].unique().sort().to_list()
    if None in named:
        return None
    targets = {name for benchmark in benchmarks_of(transfer) for name in benchmark.targets}
    return tuple(name for name in named if name in targets and name not in (GENERATED, SIB200))


def _collect_stage_values(rows: pl.DataFrame, layers: tuple[int, ...], languages: tuple[str, ...]) -> dict[str, Array]:
    """Return the points of each stage as [probes, layers, languages]; NaN where there are none."""
    axes: dict[str, Sequence[str | int]] = {"probe": PROBES, "layer": layers, "language": languages}
    means = rows.group_by("stage", *axes).agg(value=pl.col("value").mean() * POINTS_PER_SHARE)
    by_stage: dict[str, Array] = {}
    for (stage,), stage_rows in means.group_by("stage"):
        values = np.full(tuple(len(axis) for axis in axes.values()), np.nan)
        indices = tuple(locate_on_axis(stage_rows[name], axis) for name, axis in axes.items())
        values[indices] = stage_rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        by_stage[str(stage)] = values
    return by_stage


def _place_stage_values(
    after: Mapping[str, Array], stages: StageKeys, axes: Sequence[Sequence[str | int]], shape: tuple[int, ...]
) -> Array:
    """Return the values of the stages on `axes`: [probes, axes but seeds, layers, languages, seeds]."""
    values = np.full((*(len(axis) for axis in axes), *shape), np.nan)
    for index in np.ndindex(values.shape[: len(axes)]):
        stage = stages.get(tuple(axis[i] for axis, i in zip(axes, index, strict=True)), "")
        if stage in after:
            values[index] = after[stage]
    return np.moveaxis(values, (len(axes), len(axes) - 1), (0, -1))  # probes first, seeds last


def _average_probes(values: Array) -> Array:
    """Return the mean of each measure's probes; the first axis becomes measures. A mean that lacks one is NaN."""
    return np.stack([values[[PROBES.index(name) for name in names]].mean(axis=0) for names in MEASURES.values()])


def _compute_mean_gains(
    transfer: Transfer, chains: tuple[str, ...], targets: tuple[str, ...], languages: tuple[str, ...]
) -> Array:
    """Return mean gains over seeds [chains, targets, languages]; NaN where a target has no such language."""
    means = compute_moments(transfer.gains).mean
    gains = np.full((len(chains), len(targets), len(languages)), np.nan)
    rows = [transfer.intermediates.index(chain) for chain in chains]
    columns = [transfer.targets.index(target) for target in targets]
    for column, language in enumerate(languages):
        if language in transfer.languages:
            gains[:, :, column] = means[np.ix_(rows, columns)][:, :, transfer.languages.index(language)]
    return gains
