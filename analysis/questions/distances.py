"""Distances between intermediate tasks and targets, from what the probes of a sweep's stages found.

How each is measured stands in `trainables/probes/similarity.py`. In every array a greater number says closer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from analysis.scores.choose import select_contenders, select_winners
from analysis.scores.probes import read_probe_rows
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import Array
from analysis.statistics.ranks import fuse_ranks
from analysis.transfer.array import Transfer
from spaces.chain import NONE

PROBE_FAMILY = "similarity"
COSINE_PROBES = {"TextEmb": "textemb", "SEmb": "semb"}
TASK_EMBEDDING, TASK_EMBEDDING_PREFIX = "TaskEmb", "taskemb:"
ESTIMATE_PROBES = {"LogME": "logme", "kNN": "knn", "LEEP": "leep", "NCE": "nce"}
TRAIN_SIZE_PROBE = "train_size"

GainAxes = tuple[Sequence[str], Sequence[str], Sequence[int]]  # candidates, targets, seeds


@dataclass(frozen=True, slots=True)
class ProbedStages:
    """What is known of the stages of the runs that count."""

    target_stages: Mapping[tuple[str, str, int], str]  # chain, target, seed -> key of the stage
    task_stages: Mapping[tuple[str, int], str]  # intermediate, seed -> key of the stage that its targets start from
    values: Mapping[tuple[str, str, str], float]  # stage, probe, when
    vectors: Mapping[tuple[str, str, str], Array]

    def value_before(self, stage: str | None, probe: str) -> float:
        """A number measured before training; NaN where there is none."""
        return np.nan if stage is None else self.values.get((stage, probe, "before"), np.nan)

    def cosine_between(self, one: str | None, other: str | None, probe: str, when: str) -> float:
        """Of the vectors of two stages; NaN where one has none."""
        if one is None or other is None:
            return np.nan
        first, second = self.vectors.get((one, probe, when)), self.vectors.get((other, probe, when))
        if first is None or second is None or first.shape != second.shape:
            return np.nan
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        return float(first @ second) / lengths if lengths else np.nan


def read_probed_stages(found: Transfer, homes: Sequence[Path]) -> ProbedStages:
    """Read the probes of all runs that count, and of the intermediate runs that they start from."""
    runs = select_winners(found.runs).select("run", "intermediate", "target", "seed", "stage")
    parents = select_contenders(found.loaded_scores).select("run", pl.col("parent").cast(pl.String)).unique("run")
    of_target: dict[tuple[str, str, int], str] = {}
    of_task: dict[tuple[str, int], str] = {}
    for _, chain, target, seed, stage, parent in runs.join(parents, on="run", how="left").iter_rows():
        if stage is not None:
            of_target[chain, target, seed] = stage
        if chain != NONE and parent is not None:
            of_task[chain, seed] = parent
    # A run that learned nothing has no score, but what was measured before it is as good as before any other.
    failed = found.runs.filter(pl.col("status") == "degenerate").select(*CELL_COLUMNS, "stage").drop_nulls("stage")
    for chain, target, seed, stage in failed.iter_rows():
        of_target.setdefault((chain, target, seed), stage)
    read = read_probe_rows(homes, dict.fromkeys([*of_target.values(), *of_task.values()]), PROBE_FAMILY)
    places = list(zip(read["stage"], read["probe"], read["when"], strict=True))
    return ProbedStages(
        target_stages=of_target,
        task_stages=of_task,
        values={place: value for place, value in zip(places, read["value"], strict=True) if value is not None},
        vectors={
            place: np.array(vector) for place, vector in zip(places, read["vector"], strict=True) if vector is not None
        },
    )


def compute_distances(known: ProbedStages, axes: GainAxes) -> dict[str, Array]:
    """By name: candidates x targets x seeds, NaN where a method does not apply. One without numbers is left out."""
    components = sorted(
        {probe for _, probe, when in known.vectors if when == "after" and probe.startswith(TASK_EMBEDDING_PREFIX)}
    )
    arrays = {name: _compute_cosines(known, axes, probe, "before") for name, probe in COSINE_PROBES.items()}
    if components:
        arrays[TASK_EMBEDDING] = fuse_orders([_compute_cosines(known, axes, probe, "after") for probe in components])
    for name, probe in ESTIMATE_PROBES.items():
        arrays[name] = _read_estimates(known, axes, probe)
    return {name: values for name, values in arrays.items() if np.isfinite(values).any()}


def compute_log_train_sizes(known: ProbedStages, axes: GainAxes) -> Array:
    """Logarithm of the training examples of each candidate; the same for all targets."""
    with np.errstate(invalid="ignore"):
        return np.log(
            _fill_array(axes, lambda c, _, s: known.value_before(known.task_stages.get((c, s)), TRAIN_SIZE_PROBE))
        )


def fuse_orders(arrays: Sequence[Array]) -> Array:
    """The orders of the candidates by several arrays made into one, within each target and seed."""
    return np.moveaxis(fuse_ranks(np.stack([np.moveaxis(one, 0, -1) for one in arrays])), -1, 0)


def _compute_cosines(known: ProbedStages, axes: GainAxes, probe: str, when: str) -> Array:
    def cosine(candidate: str, target: str, seed: int) -> float:
        return known.cosine_between(
            known.task_stages.get((candidate, seed)), known.target_stages.get((NONE, target, seed)), probe, when
        )

    return _fill_array(axes, cosine)


def _read_estimates(known: ProbedStages, axes: GainAxes, probe: str) -> Array:
    return _fill_array(axes, lambda *place: known.value_before(known.target_stages.get(place), probe))


def _fill_array(axes: GainAxes, value: Callable[[str, str, int], float]) -> Array:
    flat = [value(*place) for place in product(*axes)]
    return np.array(flat, dtype=np.float64).reshape([len(axis) for axis in axes])
