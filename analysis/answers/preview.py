"""The answer of preview.py: the predicted order of the intermediate tasks, its record, and what to train."""

import numpy as np

from analysis.questions.preview import Preview
from analysis.questions.preview_record import describe_record
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.source import list_names, pluralise
from spaces.benchmark import BENCHMARKS
from spaces.stage import TENTHS

QUESTION = "Which intermediate tasks are worth training?"


def build_answer(preview: Preview, first: int) -> Answer:
    """Return the predicted order, with a choice of the `first` tasks."""
    chosen = preview.list_first(first)
    seeds, trainings = preview.measurements.seeds, preview.measurements.trainings
    return Answer(
        question=QUESTION,
        sentences=(
            f"Predicted to help most, by the mean place over {pluralise(len(trainings), 'training set')}: "
            f"{list_names(chosen)}. This is a prediction: no target was trained.",
            describe_record(preview.tenths),
        ),
        source_lines=(
            f"{preview.source}: {pluralise(len(preview.measurements.tasks), 'intermediate task')} after "
            f"{_describe_tenths(preview.tenths)}, {pluralise(len(seeds), 'seed')}",
        ),
        tables=(_build_table(preview),),
        notes=_explain(preview),
    )


def _describe_tenths(tenths: tuple[int, ...]) -> str:
    if tenths == (TENTHS,):
        return "their whole training"
    return f"{list_names(tenths, word='or')} of {TENTHS} tenths of their training"


def _build_table(preview: Preview) -> Grid:
    names = _name_targets(preview)
    columns = (GridColumn("task"), GridColumn("mean place", "points"), *(GridColumn(n, "points") for n in names))
    rows = tuple(_build_row(preview, i) for i in preview.order)
    return Grid("Predicted places, 1 for the greatest gain", columns, rows)


def _build_row(preview: Preview, index: int) -> GridRow:
    task = preview.measurements.tasks[index]
    places = [_place(value) for value in preview.ranks[index]]
    label = f"{task} (control)" if task in preview.controls else task
    return (label, _place(preview.mean_ranks[index]), *places)


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
        "Measured on English training rows of each target: how well the labels fit the encoder's features (LogME), "
        "nearest neighbours, the loss of a short training, and similarity to the task (TaskEmb). A place is the mean "
        "over seeds of the order by all four.",
    ]
    if preview.unmeasured:
        notes.append(f"Not measured, as they are not trained or their phase was not reached: {preview.unmeasured}.")
    return tuple(notes)
