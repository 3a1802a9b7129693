"""The order in which a preview expects intermediate tasks to help, on each training set of targets and over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from analysis.scores.probes import read_preview_rows
from analysis.scores.record import read_record, stages_folder_of
from analysis.statistics.moments import Array, average_present
from analysis.statistics.ranks import rank_values
from spaces.chain import is_baseline, members_of, phase_of
from spaces.errors import UsageError
from spaces.probe_columns import MIN_PREVIEW_TASKS, PREVIEW_FILE, PREVIEW_PROBES
from spaces.sweep_record import SWEEP_FILE

Criterion = Literal["mean", "target"]

# The probe whose order was right most often (docs/preview.md); a mean of all was right less often.
ORDER_PROBE = "logme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What was measured; NaN where a measurement is undefined or missing."""

    tasks: tuple[str, ...]
    trainings: tuple[str, ...]  # training sets of targets
    seeds: tuple[int, ...]
    values: Mapping[str, Array]  # by probe: tasks x trainings x seeds

    def place(self, probe: str) -> Array:
        """Return the places [tasks, trainings] by one probe, 1 for the most expected gain: means over the seeds.

        A place is NaN where the training set has no value of that task at any seed.
        """
        ranks = np.moveaxis(rank_values(np.moveaxis(self.values[probe], 0, -1)), -1, 0)
        return average_present(ranks, axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The predicted order of a sweep's tasks."""

    source: str
    spec: Mapping[str, Any]
    tenths: tuple[int, ...]  # of their training that phases had; several only where some had gone further before
    measurements: Measurements
    controls: frozenset[str]  # tasks that are no candidates
    unmeasured: tuple[str, ...]  # chains of the sweep whose phase has no place

    @property
    def places(self) -> Array:
        """The places [tasks, trainings] by ORDER_PROBE."""
        return self.measurements.place(ORDER_PROBE)

    def average_places(self, probe: str = ORDER_PROBE) -> Array:
        """Return the mean place of each task over the training sets, by one probe: [tasks]."""
        return average_present(self.measurements.place(probe), axis=-1)

    @property
    def order(self) -> tuple[int, ...]:
        """The indices of the tasks, the one with the best mean place first."""
        return tuple(np.argsort(self.average_places(), kind="stable").tolist())

    @property
    def candidates(self) -> list[int]:
        """The indices of the tasks that are no controls, in the predicted order."""
        return [i for i in self.order if self.measurements.tasks[i] not in self.controls]

    def list_first(self, count: int, criterion: Criterion = "mean") -> tuple[str, ...]:
        """Return the candidates among the first `count` by the mean place, or of any training set, in their order."""
        chosen = self.candidates
        if criterion == "mean":
            chosen = chosen[:count]
        else:
            ranks = rank_values(-self.places[chosen].T).T  # among the candidates alone; NaN is in no order
            chosen = [i for i, own in zip(chosen, ranks, strict=True) if (own <= count).any()]
        return tuple(self.measurements.tasks[i] for i in chosen)

    def list_chains(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """Return the sweep's chains through these tasks: a merge if all of its members are among them."""
        phases = {name: phase_of(name) for name in self.spec["intermediates"]}
        return tuple(name for name, phase in phases.items() if {*(members_of(phase) or (phase,))} <= {*tasks})


def read_preview(folder: Path) -> Preview:
    """Return the predicted order of the sweep in a folder, after the most tenths that all measured phases have.

    Raise UsageError if it is no sweep, or fewer than MIN_PREVIEW_TASKS phases were measured.
    """
    if not (folder / SWEEP_FILE).is_file():
        raise UsageError(f"{folder} is not the folder of a sweep, which has a {SWEEP_FILE}.")
    record = read_record(folder / SWEEP_FILE)
    rows = read_phase_rows(folder, record)
    if rows["intermediate"].n_unique() < MIN_PREVIEW_TASKS:
        raise UsageError(
            f"{folder}: fewer than {MIN_PREVIEW_TASKS} of its intermediate tasks have a {PREVIEW_FILE}. Run the "
            "sweep's command with --preview, and with other --results if its phases have ended: those are not measured."
        )
    return build_preview(choose_tenths(rows), record["spec"], str(folder))


def read_phase_rows(folder: Path, record: Mapping[str, Any]) -> pl.DataFrame:
    """Return all measurements of the phases of a sweep; `record` is its `sweep.json`."""
    keys = [key for key, stratum in record["stages"].items() if str(stratum).startswith("intermediate.")]
    return read_preview_rows(stages_folder_of(folder), keys)


def choose_tenths(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one measurement of each phase and seed: after as many tenths as all have, or the next one that it has."""
    phase = ("intermediate", "seed")
    common = rows.group_by(phase).agg(pl.col("tenth").max())["tenth"].min()
    enough = rows.filter(pl.col("tenth") >= common)
    return enough.filter(pl.col("tenth") == pl.col("tenth").min().over(phase))


def build_preview(rows: pl.DataFrame, spec: Mapping[str, Any], source: str) -> Preview:
    """Return the predicted order by one measurement of each phase and seed."""
    phases = {name: phase_of(name) for name in spec["intermediates"] if not is_baseline(name)}
    measurements = collect_measurements(rows, tuple(dict.fromkeys(phases.values())))
    return Preview(
        source=source,
        spec=spec,
        tenths=tuple(sorted({*rows["tenth"]})),
        measurements=measurements,
        controls=frozenset(spec.get("controls", ())),
        unmeasured=tuple(name for name, phase in phases.items() if phase not in measurements.tasks),
    )


def collect_measurements(rows: pl.DataFrame, names: Sequence[str]) -> Measurements:
    """Return the rows as arrays; the tasks are in the order of `names`."""
    found = {*rows["intermediate"]}
    axes = [
        tuple(name for name in names if name in found),
        tuple(rows["training"].unique(maintain_order=True)),
        tuple(sorted({*rows["seed"]})),
    ]
    places = [{name: place for place, name in enumerate(axis)} for axis in axes]
    values = {probe: np.full([len(axis) for axis in axes], np.nan) for probe in PREVIEW_PROBES}
    columns = rows.select("probe", "intermediate", "training", "seed", "value").iter_rows()
    for probe, *cell, value in columns:
        if probe in values and cell[0] in places[0]:
            index = tuple(place[name] for place, name in zip(places, cell, strict=True))
            values[probe][index] = np.nan if value is None else value
    tasks, trainings, seeds = axes
    return Measurements(tasks=tasks, trainings=trainings, seeds=seeds, values=values)
