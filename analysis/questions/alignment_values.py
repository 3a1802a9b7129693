"""Alignment of the encoders behind the scores that count, as arrays beside the gains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.choose import select_winners
from analysis.scores.keys import locate_on_axis
from analysis.scores.probes import require_probe_rows
from analysis.statistics.moments import Array, compute_moments
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.chain import MLM, NONE
from spaces.errors import UsageError
from spaces.language import ENGLISH

PROBE_FAMILY = "alignment"
# What is measured, and the probes that it is the mean of. The first one was chosen before any change was seen: it takes
# telling translations from everything else, where a few directions can carry all of CKA.
MEASURES: Mapping[str, tuple[str, ...]] = {
    "retrieval by margin": ("margin_forward", "margin_backward"),
    "retrieval by cosine": ("retrieval_forward", "retrieval_backward"),
    "unbiased CKA": ("cka",),
    "centred cosine gap": ("cosine_gap",),
    "frozen tag probe": ("transfer_ratio",),
}
PRIMARY_MEASURE = next(iter(MEASURES))
UNALIGNED_PROBES = (
    "retrieval_chance",
    "retrieval_chance",
    "cka_permuted",
    None,
    None,
)  # what a measure is of unaligned text
ANISOTROPY_PROBE = "random_cosine"
PROBES = (
    *dict.fromkeys(probe for probes in MEASURES.values() for probe in probes),
    *UNALIGNED_PROBES[1:3],
    ANISOTROPY_PROBE,
)
CONTROLS = ("random", MLM)  # chains whose intermediate phase teaches no task

StageKeys = Mapping[tuple[str | int, ...], str]  # chain (and target) and seed -> key of the stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Alignment in points; NaN where a stage was not measured or a value is undefined.

    The axes are measures, chains, targets, layers, languages (beside English), seeds: those that apply, in this order.
    Chains are those with an intermediate phase; targets those that are trained, for others score alignment itself.
    """

    chains: tuple[str, ...]
    controls: tuple[str, ...]  # those of CONTROLS among the chains
    targets: tuple[str, ...]
    layers: tuple[int, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]
    at_start: Array  # [measures, layers, languages], of the encoder at the start of every chain
    unaligned: Array  # [measures, layers, languages], likewise, of what BESIDE names
    after_phase: Array  # [measures, chains, layers, languages, seeds], after the intermediate phase
    after_target: (
        Array  # [measures, 1 + chains, targets, layers, languages, seeds], after the target's; the baseline first
    )
    anisotropy: tuple[float, float]  # mean cosine of pairs that do not belong together: at the start, after the phase
    gains: Array  # [chains, targets, languages], mean over seeds

    @property
    def task_indices(self) -> list[int]:
        """The places of the chains that are no controls."""
        return [i for i, name in enumerate(self.chains) if name not in self.controls]

    @property
    def phase_change(self) -> Array:
        """What the intermediate phase changed, in the shape of `phase`."""
        return self.after_phase - self.at_start[:, None, ..., None]


def build_alignment(found: Transfer) -> Alignment:
    """Alignment beside the gains; raises UsageError where no stage was measured, or there is no intermediate phase."""
    parents = found.loaded_scores.target_rows.select(pl.col("stage", "parent").cast(pl.String)).unique("stage")
    runs = select_winners(found.runs).join(parents, on="stage", how="left")
    upstream = set(found.loaded_scores.intermediate_rows["stage"])
    ended: dict[tuple[str | int, ...], str] = {}
    handed: dict[tuple[str | int, ...], str] = {}
    for chain, target, seed, stage, parent in runs.select("intermediate", "target", "seed", "stage", "parent").rows():
        ended[chain, target, seed] = stage
        if parent in upstream:
            handed[chain, seed] = parent
    chains = tuple(name for name in found.intermediates if any((name, seed) in handed for seed in found.seeds))
    if not chains:
        raise UsageError("no target here starts from an intermediate stage: there is no change to speak of.")
    rows = require_probe_rows(
        found.loaded_scores.stage_folders, sorted({*ended.values(), *handed.values()}), PROBE_FAMILY
    )
    rows = rows.filter(pl.col("probe").is_in(PROBES), pl.col("layer").is_not_null(), pl.col("language") != ENGLISH)
    layers, languages = (tuple(rows[name].unique().sort()) for name in ("layer", "language"))
    # The start is the same encoder in every stage that measured it; chains from a random one are none of `chains`.
    before = rows.filter(pl.col("when") == "before", pl.col("intermediate").is_in([NONE, *chains]))
    start = _collect_stage_values(before.with_columns(stage=pl.lit("start")), layers, languages).get("start")
    if start is None:
        raise UsageError("no stage measured the encoder that all chains start from: the baseline lacks its probes.")
    after = _collect_stage_values(rows.filter(when="after"), layers, languages)
    targets = tuple(name for name in found.targets if name not in found.loaded_scores.retrieval_targets)
    phase, ends = (
        _place_stage_values(after, stages, axes, start.shape)
        for stages, axes in ((handed, (chains, found.seeds)), (ended, ((NONE, *chains), targets, found.seeds)))
    )
    return Alignment(
        chains=chains,
        controls=tuple(name for name in CONTROLS if name in chains),
        targets=targets,
        layers=layers,
        languages=languages,
        seeds=found.seeds,
        at_start=_average_probes(start),
        unaligned=np.stack(
            [start[PROBES.index(name)] if name else np.full_like(start[0], np.nan) for name in UNALIGNED_PROBES]
        ),
        after_phase=_average_probes(phase),
        after_target=_average_probes(ends),
        anisotropy=(
            float(start[PROBES.index(ANISOTROPY_PROBE)].mean()),
            float(np.nanmean(phase[PROBES.index(ANISOTROPY_PROBE)])),
        ),
        gains=_compute_mean_gains(found, chains, targets, languages),
    )


def _collect_stage_values(rows: pl.DataFrame, layers: tuple[int, ...], languages: tuple[str, ...]) -> dict[str, Array]:
    """Points of each stage [probes, layers, languages]; NaN where there are none."""
    axes: dict[str, Sequence[str | int]] = {"probe": PROBES, "layer": layers, "language": languages}
    mean = rows.group_by("stage", *axes).agg(value=pl.col("value").mean() * POINTS_PER_SHARE)
    found: dict[str, Array] = {}
    for (stage,), group in mean.group_by("stage"):
        values = np.full(tuple(len(axis) for axis in axes.values()), np.nan)
        places = tuple(locate_on_axis(group[name], axis) for name, axis in axes.items())
        values[places] = group["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        found[str(stage)] = values
    return found


def _place_stage_values(
    after: Mapping[str, Array], stages: StageKeys, axes: Sequence[Sequence[str | int]], shape: tuple[int, ...]
) -> Array:
    """The values of the stages at each place of `axes`: [probes, axes but seeds, layers, languages, seeds]."""
    placed = np.full((*(len(axis) for axis in axes), *shape), np.nan)
    for place in np.ndindex(placed.shape[: len(axes)]):
        stage = stages.get(tuple(axis[i] for axis, i in zip(axes, place, strict=True)), "")
        if stage in after:
            placed[place] = after[stage]
    seeds, probes = len(axes) - 1, len(axes)
    return np.moveaxis(placed, (probes, seeds), (0, -1))


def _average_probes(values: Array) -> Array:
    """Means of the probes of each measure: the first axis becomes measures. A mean that lacks one is NaN."""
    return np.stack([values[[PROBES.index(name) for name in names]].mean(axis=0) for names in MEASURES.values()])


def _compute_mean_gains(
    found: Transfer, chains: tuple[str, ...], targets: tuple[str, ...], languages: tuple[str, ...]
) -> Array:
    """Mean gains over seeds [chains, targets, languages]; NaN where a target is not scored in a language."""
    means = compute_moments(found.gains).mean
    gains = np.full((len(chains), len(targets), len(languages)), np.nan)
    for i, chain in enumerate(chains):
        for k, target in enumerate(targets):
            for j, language in enumerate(languages):
                if language in found.languages:
                    place = (found.intermediates.index(chain), found.targets.index(target))
                    gains[i, k, j] = means[*place, found.languages.index(language)]
    return gains
