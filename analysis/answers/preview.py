"""The answer of preview.py: the predicted order of the intermediate tasks, its record, and what to train."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.preview import ORDER_PROBE, Criterion, Preview
from analysis.questions.preview_record import describe_record
from analysis.statistics.moments import Array
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber
from analysis.tables.source import list_names, pluralise
from spaces.benchmark import BENCHMARKS
from spaces.probe_columns import PREVIEW_PROBES
from spaces.stage import TENTHS

NAMES = {"logme": "LogME", "knn": "kNN", "speed": "speed", "taskemb": "TaskEmb"}  # of the probes
QUESTION = "Which intermediate tasks are worth training?"


def build_answer(preview: Preview, chosen: Sequence[str], criterion: Criterion) -> Answer:
    """Return the predicted order, with the tasks that were chosen by a criterion."""
    seeds, trainings = preview.measurements.seeds, preview.measurements.trainings
    return Answer(
        question=QUESTION,
        sentences=(
            f"Predicted to help most, {_name_criterion(criterion)} of {pluralise(len(trainings), 'training set')}: "
            f"{list_names(chosen)}. This is a prediction: no target was trained.",
            *_list_left_out(preview, chosen),
            describe_record(preview.tenths),
        ),
        source_lines=(
            f"{preview.source}: {pluralise(len(preview.measurements.tasks), 'intermediate task')} after "
            f"{_describe_tenths(preview.tenths)}, {pluralise(len(seeds), 'seed')}",
        ),
        tables=(_build_place_table(preview), _build_probe_table(preview)),
        notes=_explain(preview),
    )


def _name_criterion(criterion: Criterion) -> str:
    return "by the mean over the places" if criterion == "mean" else "among the first on any"


def _list_left_out(preview: Preview, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on tasks that were not chosen and are first on some targets; none if there are none."""
    firsts: dict[str, list[str]] = {}
    for name, places in zip(_name_targets(preview), preview.places.T, strict=True):
        if preview.candidates and np.isfinite(places[preview.candidates]).all():
            first = preview.measurements.tasks[min(preview.candidates, key=places.__getitem__)]
            firsts.setdefault(first, []).append(name)
    parts = [f"{task} on {', '.join(targets)}" for task, targets in firsts.items() if task not in chosen]
    if not parts:
        return ()
    return (f"First on single targets, and not among these: {'; '.join(parts)}. `--by target` takes them in.",)


def _describe_tenths(tenths: tuple[int, ...]) -> str:
    if tenths == (TENTHS,):
        return "their whole training"
    return f"{list_names(tenths, word='or')} of {TENTHS} tenths of their training"


def _build_place_table(preview: Preview) -> Grid:
    columns = ("mean place", *_name_targets(preview))
    places = np.column_stack([preview.average_places(), preview.places])
    return _build_table(preview, f"Predicted places by {NAMES[ORDER_PROBE]}, 1 for the greatest gain", columns, places)


def _build_probe_table(preview: Preview) -> Grid:
    columns = tuple(NAMES[probe] for probe in PREVIEW_PROBES)
    places = np.column_stack([preview.average_places(probe) for probe in PREVIEW_PROBES])
    return _build_table(preview, "Mean places by each measurement", columns, places)


def _build_table(preview: Preview, title: str, names: Sequence[str], places: Array) -> Grid:
    columns = (GridColumn("task"), *(GridColumn(name, "points") for name in names))
    return Grid(title, columns, tuple((_label(preview, i), *map(_place, places[i])) for i in preview.order))


def _label(preview: Preview, index: int) -> str:
    task = preview.measurements.tasks[index]
    return f"{task} (control)" if task in preview.controls else task


def _place(value: float) -> GridNumber | None:
    return GridNumber(value=float(value)) if np.isfinite(value) else None


def _name_targets(preview: Preview) -> list[str]:
    """Return the targets of each training set, which has a name of its own if the benchmark is unknown."""
    benchmark = BENCHMARKS.get(str(preview.spec["benchmark"]))
    names: dict[str, list[str]] = {}
    if benchmark is not None:
        for target in preview.spec["targets"]:
            names.setdefault(str(benchmark.targets[target].training_set), []).append(target)
    return [", ".join(names.get(training, [training])) for training in preview.measurements.trainings]


def _explain(preview: Preview) -> tuple[str, ...]:
    notes = [
        "Measured on English training rows of each target: how well its labels fit the encoder's features (LogME), by "
        "which the order is; votes of the nearest neighbours (kNN); the loss of a short training (speed); and how much "
        "the target trains what the task trains (TaskEmb). Places are means over seeds.",
    ]
    if preview.unmeasured:
        notes.append(f"Not measured, as they are not trained or their phase was not reached: {preview.unmeasured}.")
    return tuple(notes)
