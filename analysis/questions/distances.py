"""Distances between intermediate tasks and targets, from the probes of a sweep's stages.

`trainables/probes/similarity.py` defines each of them. In every array a greater number means closer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

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
    """The probes of the stages behind the runs that count."""

    target_stages: Mapping[tuple[str, str, int], str]  # chain, target, seed -> key of the stage
    task_stages: Mapping[tuple[str, int], str]  # intermediate, seed -> key of the stage that its targets start from
    values: Mapping[tuple[str, str, str], float]  # stage, probe, when
    vectors: Mapping[tuple[str, str, str], Array]

    def value_before(self, stage: str | None, probe: str) -> float:
        """Return a number measured before training; NaN where there is none."""
        return np.nan if stage is None else self.values.get((stage, probe, "before"), np.nan)

    def cosine_between(self, first_stage: str | None, second_stage: str | None, probe: str, when: str) -> float:
        """Return the cosine of the vectors of two stages; NaN where one has none."""
        if first_stage is None or second_stage is None:
            return np.nan
        first, second = self.vectors.get((first_stage, probe, when)), self.vectors.get((second_stage, probe, when))
        if first is None or second is None or first.shape != second.shape:
            return np.nan
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        return float(first @ second) / lengths if lengths else np.nan


def read_probed_stages(transfer: Transfer) -> ProbedStages:
    """Return the probes of all runs that count, and of the intermediate runs that they start from."""
    runs = select_winners(transfer.runs).select("run", "intermediate", "target", "seed", "stage")
    parents = select_contenders(transfer.loaded_scores).select("run", pl.col("parent").cast(pl.String)).unique("run")
    target_stages: dict[tuple[str, str, int], str] = {}
    task_stages: dict[tuple[str, int], str] = {}
    for _, chain, target, seed, stage, parent in runs.join(parents, on="run", how="left").iter_rows():
        if stage is not None:
            target_stages[chain, target, seed] = stage
        if chain != NONE and parent is not None:
            task_stages[chain, seed] = parent
    # A degenerate run has no score, but its measures before training are as good as those of any other run.
    failed = transfer.runs.filter(pl.col("status") == "degenerate").select(*CELL_COLUMNS, "stage").drop_nulls("stage")
    for chain, target, seed, stage in failed.iter_rows():
        target_stages.setdefault((chain, target, seed), stage)
    stages = dict.fromkeys([*target_stages.values(), *task_stages.values()])
    rows = read_probe_rows(transfer.loaded_scores, stages, PROBE_FAMILY)
    keys = list(zip(rows["stage"], rows["probe"], rows["when"], strict=True))
    return ProbedStages(
        target_stages=target_stages,
        task_stages=task_stages,
        values={key: value for key, value in zip(keys, rows["value"], strict=True) if value is not None},
        vectors={key: np.array(vector) for key, vector in zip(keys, rows["vector"], strict=True) if vector is not None},
    )


def compute_distances(probed: ProbedStages, axes: GainAxes) -> dict[str, Array]:
    """Return candidates x targets x seeds by name of each distance that has a number; NaN where it does not apply."""
    after = {probe for _, probe, when in probed.vectors if when == "after"}
    components = sorted(probe for probe in after if probe.startswith(TASK_EMBEDDING_PREFIX))
    arrays = {name: _compute_cosines(probed, axes, probe, "before") for name, probe in COSINE_PROBES.items()}
    if components:
        arrays[TASK_EMBEDDING] = fuse_orders([_compute_cosines(probed, axes, probe, "after") for probe in components])
    for name, probe in ESTIMATE_PROBES.items():
        arrays[name] = _read_estimates(probed, axes, probe)
    return {name: values for name, values in arrays.items() if np.isfinite(values).any()}


def compute_log_train_sizes(probed: ProbedStages, axes: GainAxes) -> Array:
    """Return the logarithm of each candidate's number of training examples, the same for all targets."""

    def size(candidate: str, _: str, seed: int) -> float:
        return probed.value_before(probed.task_stages.get((candidate, seed)), TRAIN_SIZE_PROBE)

    with np.errstate(invalid="ignore"):
        return np.log(_fill_array(axes, size))


def fuse_orders(arrays: Sequence[Array]) -> Array:
    """Return one order of the candidates, fused from several arrays, within each target and seed."""
    return np.moveaxis(fuse_ranks(np.stack([np.moveaxis(array, 0, -1) for array in arrays])), -1, 0)


def _compute_cosines(probed: ProbedStages, axes: GainAxes, probe: str, when: str) -> Array:
    def cosine(candidate: str, target: str, seed: int) -> float:
        task, own = probed.task_stages.get((candidate, seed)), probed.target_stages.get((NONE, target, seed))
        return probed.cosine_between(task, own, probe, when)

    return _fill_array(axes, cosine)


def _read_estimates(probed: ProbedStages, axes: GainAxes, probe: str) -> Array:
    return _fill_array(axes, lambda *cell: probed.value_before(probed.target_stages.get(cell), probe))


def _fill_array(axes: GainAxes, measure: Callable[[str, str, int], float]) -> Array:
    flat = [measure(*cell) for cell in product(*axes)]
    return np.array(flat, dtype=np.float64).reshape([len(axis) for axis in axes])
