"""export.py: every stage becomes one run, once, however often it is called, and again only if it has changed."""

import dataclasses
import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from analysis.compact import main as compact
from analysis.export import main
from analysis.tracking.tracked_runs import build_runs
from tests.analysis.sweep_files import Capture, Run, add_run, printed, refused, write_run, write_sweep
from tests.analysis.tracked_sweep import NLI, PHASE, RUNS


def read_events(file: Path) -> Iterator[Event]:
    """The events of a file in TensorFlow's format of records: length, checksum, content, checksum."""
    content, place = file.read_bytes(), 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        yield Event.FromString(content[place + 12 : place + 12 + length])
        place += 12 + length + 4
    assert place == len(content)


def read_series(file: Path) -> dict[str, list[tuple[int, float]]]:
    """The points of each series, with values as the single precision of TensorBoard has them."""
    series: dict[str, list[tuple[int, float]]] = {}
    for event in read_events(file):
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name:
                continue
            series.setdefault(value.tag, []).append((event.step, round(value.simple_value, 6)))
    return series


def event_files(folder: Path) -> dict[str, Path]:
    """The event files by the key of their stage."""
    return {file.name.split(".", 4)[4].rpartition(".")[0]: file for file in folder.rglob("events.*")}


def snapshot(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in folder.rglob("*") if file.is_file()}


def test_curves_and_scores_of_a_stage_worked_by_hand(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "events"
    assert "events: 3 new stages, 0 were there already." in printed(
        capsys, main, sweep, "--to", "tensorboard", "-o", out
    )
    (run,) = build_runs(pl.DataFrame(NLI.rows(), infer_schema_length=None))
    assert run.name == f"nli/xnli/seed-0/rate-0.001-{NLI.key[:8]}"
    assert run.settings["learning_rate"] == 1e-3 and run.settings["targets"] == "xnli"
    (file,) = (out / run.name).iterdir()
    assert read_series(file) == {
        "dev/xnli/accuracy": [(1, 0.2), (2, 0.6)],
        "test/xnli/accuracy": [(10, 0.4)],
        "test/xnli/accuracy/en": [(10, 0.5)],
        "test/xnli/accuracy/de": [(10, 0.3)],
        "test/xnli/beside": [(10, 0.123)],
        "test/xnli/beside/en": [(10, 0.123)],
        "test/xnli/beside/de": [(10, 0.123)],
    }
    header, begin, *events, end = read_events(file)
    assert header.file_version == "brain.Event:2" and (begin.wall_time, end.wall_time) == (0.0, 20.0)
    assert [event.wall_time for event in events] == sorted(2.0 * event.step for event in events)
    (phase,) = (out / f"nli/phase/seed-0/rate-0.001-{PHASE.key[:8]}").iterdir()
    assert read_series(phase) == {"phase/accuracy": [(1, 0.4), (2, 0.7)]}


def test_settings_are_hyperparameters_of_tensorboard(tmp_path: Path, capsys: Capture) -> None:
    printed(capsys, main, write_sweep(tmp_path, RUNS), "--to", "tensorboard", "-o", tmp_path / "events")
    _, begin, *_, end = read_events(event_files(tmp_path / "events")[NLI.key])
    (session,), (closing,) = begin.summary.value, end.summary.value
    assert session.metadata.plugin_data.plugin_name == closing.metadata.plugin_data.plugin_name == "hparams"
    hparams = HParamsPluginData.FromString(session.metadata.plugin_data.content).session_start_info.hparams
    assert hparams["intermediate"].string_value == "nli" and hparams["targets"].string_value == "xnli"
    assert hparams["learning_rate"].number_value == 1e-3 and hparams["seed"].number_value == 0


def test_a_second_call_adds_only_what_is_new(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "events"
    flags = ("--to", "tensorboard", "-o", out)
    printed(capsys, main, sweep, *flags)
    before = snapshot(out)
    assert "0 new stages, 3 were there already" in printed(capsys, main, sweep, *flags)
    assert snapshot(out) == before
    add_run(sweep, Run(intermediate="qa", test={"xnli": {"en": 0.5}}))
    assert "1 new stage, 3 were there already" in printed(capsys, main, sweep, *flags)
    after = snapshot(out)
    assert before.items() < after.items() and len(after) == 4


def test_a_stage_that_was_trained_again_replaces_its_own_file_only(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "events"
    flags = ("--to", "tensorboard", "-o", out)
    printed(capsys, main, sweep, *flags)
    before = event_files(out)
    write_sweep(tmp_path, [*RUNS[:1], Run(intermediate="nli", test={"xnli": {"en": 0.75}}), PHASE])
    assert "1 new stage, 2 were there already" in printed(capsys, main, sweep, *flags)
    after = event_files(out)
    assert {key for key in after if after[key] != before[key]} == {NLI.key} and not before[NLI.key].exists()
    assert read_series(after[NLI.key])["test/xnli/accuracy/en"] == [(10, 0.75)]


def test_a_file_that_a_kill_left_half_written_is_none_of_the_sweep(tmp_path: Path, capsys: Capture) -> None:
    """Files appear whole: a temporary one is never taken for an event file."""
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "events"
    printed(capsys, main, sweep, "--to", "tensorboard", "-o", out)
    for file in event_files(out).values():
        file.rename(file.with_name(f".{file.name}.1"))
    assert "3 new stages" in printed(capsys, main, sweep, "--to", "tensorboard", "-o", out)


def test_a_stage_without_any_value_is_no_run(tmp_path: Path, capsys: Capture) -> None:
    failed = Run(intermediate="qa", test={"xnli": {"en": math.nan}}, status="failed")
    sweep = write_sweep(tmp_path, [*RUNS, failed])
    text = printed(capsys, main, sweep, "--to", "tensorboard", "-o", tmp_path / "events")
    assert "3 new stages, 0 were there already" in text


def test_an_archive_gives_the_same_runs_as_its_sweep(tmp_path: Path, capsys: Capture) -> None:
    sweep, archive = write_sweep(tmp_path, RUNS), tmp_path / "sweep.parquet"
    assert compact([str(sweep), "-o", str(archive)]) == 0
    capsys.readouterr()
    out = tmp_path / "events"
    printed(capsys, main, sweep, "--to", "tensorboard", "-o", out)
    assert "0 new stages, 3 were there" in printed(capsys, main, archive, "--to", "tensorboard", "-o", out)


def test_what_cannot_be_exported_or_written_gets_one_line(tmp_path: Path, capsys: Capture) -> None:
    sweep = write_sweep(tmp_path, RUNS)
    (tmp_path / "file").touch()
    said = refused(capsys, main, tmp_path / "file", "--to", "tensorboard", "-o", tmp_path / "events")
    assert "is neither a sweep folder" in said
    said = refused(capsys, main, sweep, "--to", "tensorboard", "-o", tmp_path / "file")
    assert "cannot be written: Not a directory. Name another place with -o." in said


def test_tensorboard_itself_reads_what_was_written(tmp_path: Path, capsys: Capture) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "events"
    printed(capsys, main, sweep, "--to", "tensorboard", "-o", out)
    events = accumulator.EventAccumulator(str(event_files(out)[NLI.key].parent))
    events.Reload()
    points = [(point.step, round(point.value, 6)) for point in events.Scalars("dev/xnli/accuracy")]
    assert points == [(1, 0.2), (2, 0.6)]


@pytest.mark.filterwarnings("ignore")  # of MLflow and the database library below it
def test_mlflow_gets_each_stage_once_and_replaces_what_has_changed(tmp_path: Path, capsys: Capture) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    sweep, place = write_sweep(tmp_path, RUNS), f"sqlite:///{tmp_path / 'mlflow.db'}"
    flags = ("--to", "mlflow", "-o", place)

    def read() -> dict[str, tuple[str, float]]:
        """The id and the English test score of each stage's run."""
        client = mlflow.MlflowClient(tracking_uri=place)
        runs = client.search_runs([client.get_experiment_by_name("sweep").experiment_id])
        found = {run.data.tags["transfer_search.stage"]: run for run in runs}
        assert len(found) == len(runs)
        return {key: (run.info.run_id, run.data.metrics.get("test/xnli/accuracy/en")) for key, run in found.items()}

    assert "3 new stages, 0 were there already" in printed(capsys, main, sweep, *flags)
    before = read()
    client = mlflow.MlflowClient(tracking_uri=place)
    run_id, score = before[NLI.key]
    curve = [(point.step, point.value) for point in client.get_metric_history(run_id, "dev/xnli/accuracy")]
    assert curve == [(1, 0.2), (2, 0.6)] and score == 0.5
    assert client.get_run(run_id).data.params["learning_rate"] == "0.001"
    assert "0 new stages, 3 were there already" in printed(capsys, main, sweep, *flags)
    assert read() == before
    client.delete_tag(before[PHASE.key][0], "transfer_search.digest")  # as if a kill had left it half written
    add_run(sweep, Run(intermediate="qa", test={"xnli": {"en": 0.5}}))
    write_run(tmp_path, dataclasses.replace(NLI, test={"xnli": {"en": 0.75}}))
    assert "3 new stages, 1 were there already" in printed(capsys, main, sweep, *flags)
    after = read()
    assert len(after) == 4 and after[NLI.key][1] == 0.75
    assert {key for key in before if before[key] == after[key]} == before.keys() - {NLI.key, PHASE.key}


@pytest.mark.parametrize(
    ("program", "package"), [("mlflow", "mlflow-skinny"), ("trackio", "trackio"), ("wandb", "wandb")]
)
def test_a_program_that_is_not_installed_is_named_with_its_command(
    program: str, package: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", "")
    monkeypatch.setitem(sys.modules, program, None)
    said = refused(capsys, main, write_sweep(tmp_path, RUNS), "--to", program, "-o", tmp_path / "out")
    assert f"--to {program} needs a package that is not installed: pip install {package}." in said
    assert not (tmp_path / "out").exists()
