"""Event files for TensorBoard: one for each stage, whose name says what is in it, so that none is written twice."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from analysis.tracking.tracked_runs import TrackedRun
from spaces.errors import UsageError
from spaces.whole_files import write_file


def export_runs(runs: Sequence[TrackedRun], place: str, project: str) -> int:
    """Write the event files that are not there into folders of the runs' names below `place`; return their number.

    An event file of the same stage with other contents is replaced. Raise UsageError if one cannot be written.
    """
    written = 0
    for run in runs:
        folder = Path(place, *run.name.split("/"))
        name = f"events.out.tfevents.0000000000.{run.key}.{run.digest}"
        if (folder / name).exists():
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_file(folder / name, partial(_write_events, run=run))
            for file in set(folder.glob(f"events.out.tfevents.*.{run.key}.*")) - {folder / name}:
                file.unlink()
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another place with -o.") from error
        written += 1
    return written


def _write_events(path: Path, run: TrackedRun) -> None:
    """Write a run's settings as hyperparameters, and its events in the order of time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the protocol buffers that the package was generated with
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary
        from tensorboardX.record_writer import RecordWriter
        from tensorboardX.summary import hparams

    _, begin, end = hparams(dict(run.settings), {})  # TensorBoard finds the metrics in the events themselves
    events = [(step, name, value) for name, points in run.series.items() for step, value in points]
    writer = RecordWriter(str(path))
    try:
        writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        writer.write(Event(wall_time=0.0, summary=begin).SerializeToString())
        for step, name, value in sorted(events):
            summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
            writer.write(Event(wall_time=run.seconds_at(step), step=step, summary=summary).SerializeToString())
        writer.write(Event(wall_time=run.seconds, summary=end).SerializeToString())
    finally:
        writer.close()
