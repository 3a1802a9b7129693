"""Distances between intermediate tasks and targets, from what the probes of a sweep's stages found.

How each is measured stands in `trainables/probes/similarity.py`. In every array a greater number says closer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from analysis.scores.choose import contenders, winners
from analysis.scores.probes import any_probe_rows
from analysis.scores.tidy import CELL
from analysis.statistics.fusion import reciprocal_ranks
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from spaces.chain import NONE

FAMILY = "similarity"
COSINES = {"TextEmb": "textemb", "SEmb": "semb"}
TASK_EMBEDDING, COMPONENT = "TaskEmb", "taskemb:"
ESTIMATES = {"LogME": "logme", "kNN": "knn", "LEEP": "leep", "NCE": "nce"}
TRAIN_SIZE = "train_size"

Axes = tuple[Sequence[str], Sequence[str], Sequence[int]]  # candidates, targets, seeds


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of the stages of the runs that count."""

    of_target: Mapping[tuple[str, str, int], str]  # chain, target, seed -> key of the stage
    of_task: Mapping[tuple[str, int], str]  # intermediate, seed -> key of the stage that its targets start from
    values: Mapping[tuple[str, str, str], float]  # stage, probe, when
    vectors: Mapping[tuple[str, str, str], Array]

    def value(self, stage: str | None, probe: str) -> float:
        """A number measured before training; NaN where there is none."""
        return np.nan if stage is None else self.values.get((stage, probe, "before"), np.nan)

    def cosine(self, one: str | None, other: str | None, probe: str, when: str) -> float:
        """Of the vectors of two stages; NaN where one has none."""
        if one is None or other is None:
            return np.nan
        first, second = self.vectors.get((one, probe, when)), self.vectors.get((other, probe, when))
        if first is None or second is None or first.shape != second.shape:
            return np.nan
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        return float(first @ second) / lengths if lengths else np.nan


def probed(found: Transfer, homes: Sequence[Path]) -> Probed:
    """Read the probes of all runs that count, and of the intermediate runs that they start from."""
    runs = winners(found.runs).select("run", "intermediate", "target", "seed", "stage")
    parents = contenders(found.read).select("run", pl.col("parent").cast(pl.String)).unique("run")
    of_target: dict[tuple[str, str, int], str] = {}
    of_task: dict[tuple[str, int], str] = {}
    for _, chain, target, seed, stage, parent in runs.join(parents, on="run", how="left").iter_rows():
        if stage is not None:
            of_target[chain, target, seed] = stage
        if chain != NONE and parent is not None:
            of_task[chain, seed] = parent
    # A run that learned nothing has no score, but what was measured before it is as good as before any other.
    failed = found.runs.filter(pl.col("status") == "degenerate").select(*CELL, "stage").drop_nulls("stage")
    for chain, target, seed, stage in failed.iter_rows():
        of_target.setdefault((chain, target, seed), stage)
    read = any_probe_rows(homes, dict.fromkeys([*of_target.values(), *of_task.values()]), FAMILY)
    places = list(zip(read["stage"], read["probe"], read["when"], strict=True))
    return Probed(
        of_target=of_target,
        of_task=of_task,
        values={place: value for place, value in zip(places, read["value"], strict=True) if value is not None},
        vectors={
            place: np.array(vector) for place, vector in zip(places, read["vector"], strict=True) if vector is not None
        },
    )


def distances(known: Probed, axes: Axes) -> dict[str, Array]:
    """By name: candidates x targets x seeds, NaN where a method does not apply. One without numbers is left out."""
    components = sorted({probe for _, probe, when in known.vectors if when == "after" and probe.startswith(COMPONENT)})
    arrays = {name: _cosines(known, axes, probe, "before") for name, probe in COSINES.items()}
    if components:
        arrays[TASK_EMBEDDING] = fused([_cosines(known, axes, probe, "after") for probe in components])
    for name, probe in ESTIMATES.items():
        arrays[name] = _estimates(known, axes, probe)
    return {name: values for name, values in arrays.items() if np.isfinite(values).any()}


def train_sizes(known: Probed, axes: Axes) -> Array:
    """Logarithm of the training examples of each candidate; the same for all targets."""
    with np.errstate(invalid="ignore"):
        return np.log(_filled(axes, lambda c, _, s: known.value(known.of_task.get((c, s)), TRAIN_SIZE)))


def fused(arrays: Sequence[Array]) -> Array:
    """The orders of the candidates by several arrays made into one, within each target and seed."""
    return np.moveaxis(reciprocal_ranks(np.stack([np.moveaxis(one, 0, -1) for one in arrays])), -1, 0)


def _cosines(known: Probed, axes: Axes, probe: str, when: str) -> Array:
    def cosine(candidate: str, target: str, seed: int) -> float:
        return known.cosine(
            known.of_task.get((candidate, seed)), known.of_target.get((NONE, target, seed)), probe, when
        )

    return _filled(axes, cosine)


def _estimates(known: Probed, axes: Axes, probe: str) -> Array:
    return _filled(axes, lambda *place: known.value(known.of_target.get(place), probe))


def _filled(axes: Axes, value: Callable[[str, str, int], float]) -> Array:
    flat = [value(*place) for place in product(*axes)]
    return np.array(flat, dtype=np.float64).reshape([len(axis) for axis in axes])
