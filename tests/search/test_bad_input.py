"""Bad input gets one clear line and exit code 2, before Ray starts, and nothing is written."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from search.run import main
from search.sweep.sweep_file import lock_results
from trainables.storage.local_storage import LocalStorage


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *flags: str) -> str:
    results = tmp_path / "results"
    try:
        code = main([*flags, "--results", str(results)])
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    assert code == 2
    assert not results.exists(), "bad usage must write nothing"
    assert "ray" not in sys.modules or not sys.modules["ray"].is_initialized()
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--space", "ful"], "did you mean full"),
        (["--space", "none.py"], "none.py does not exist"),
        (["--benchmark", "xtrem"], "did you mean xtreme"),
        (["--intermediates", "mnil"], "did you mean mnli"),
        (["--targets", "xnil"], "did you mean xnli"),
        (["--targets", ""], "--targets '': an item is empty"),
        (["--probes", "alignmnt"], "did you mean alignment"),
        (["--probes", "taste"], "there are: "),
        (["--probes", ""], "--probes '': an item is empty"),
        (["--seeds", ""], "--seeds '': an item is empty. Give a list such as a,b."),
        (["--seeds", "one"], "a seed is a whole number from 0 up, got 'one'"),
        (["--seeds", "-1"], "--seeds"),
        (["--seeds", "0,0"], "names 0 more than once"),
        (["--seeds", "mnil=0..5"], "unknown chain of this sweep 'mnil': did you mean mnli"),
        (["--seeds", "none=5..3"], "the range 5..3 is empty. Write the lower end first: 3..5."),
        (["--seeds", "none=-1"], "a seed is a whole number from 0 up, got '-1'"),
        (["--seeds", "none="], "a seed is a whole number from 0 up, got ''"),
        (["--seeds", "=3"], "a chain is missing before '='"),
        (["--seeds", "none=3,none=3"], "names 3 more than once for none"),
        (["--seeds", "none=0..2,5"], "5 after none=... could be of none or of all chains. Write none=5, or"),
        (["--seeds", "0..5000"], "the range 0..5000 has more than 1000 seeds"),
        (["--seeds", "0,none=1", "--scheduler", "racing"], "racing gives out the seeds itself, but none has seeds of"),
        (["--learning-rates", "fast"], "a learning rate is a number such as 1e-5, got 'fast'"),
        (["--learning-rates", "0"], "a learning rate is above 0, got 0"),
        (["--learning-rates=-1e-3"], "a learning rate is above 0, got -1e-3"),
        (["--learning-rates", "nan"], "a learning rate is above 0, got nan"),
        (["--learning-rates", "1e-3..1e-4"], "0 < low < high"),
        (["--learning-rates", "1e-4..1e-3:x"], "the number of draws is a whole number, got 'x'"),
        (["--limit", "0"], "a whole number from 1 up is needed, got '0'"),
        (["--max-concurrent", "none"], "a whole number from 1 up is needed"),
        (["--gpus-per-trial", "-1"], "a number from 0 up is needed"),
        (["--cpus-per-trial", "4096"], "--cpus-per-trial 4096: this machine has"),
        (["--name", "../elsewhere"], "a sweep's name has letters"),
        (["--name", "stages"], "is not 'stages' or 'encoded'"),
        (["--model", "FacebookAI/xlm-roberta-base"], "the miniature has its own encoder"),
        (["--data", "."], "the miniature makes its own data"),
        (["--benchmark", "xtreme", "--data", "/no/such/folder"], "--data /no/such/folder: there is no such folder"),
        (["--benchmark", "xtreme", "--world-seed", "3"], "go with the miniature only"),
        (["--no-such-flag"], "unrecognized arguments"),
        (["--scheduler", "median"], "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: list[str], expected: str) -> None:
    assert expected in refused(capsys, tmp_path, *flags)


def test_everything_missing_is_listed_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "data"
    empty.mkdir()
    message = refused(capsys, tmp_path, "--space", "quick", "--benchmark", "xtreme", "--data", str(empty))
    assert all(name in message for name in ("nyu-mll/glue", "google/xtreme", "rajpurkar/squad"))


@pytest.mark.parametrize(
    ("file", "lacks"),
    [("config.json", "no config.json"), ("model.safetensors", "no weights"), ("tokenizer.json", "no tokenizer")],
)
def test_a_model_folder_must_be_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, real: Path, model: Path, file: str, lacks: str
) -> None:
    (model / file).unlink()
    flags = ["--space", "quick", "--benchmark", "xtreme", "--data", str(real), "--model", str(model)]
    assert lacks in refused(capsys, tmp_path, *flags)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_results_folder_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be written" in refused(capsys, tmp_path, "--space", "quick")


def test_a_results_folder_that_is_a_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--space", "quick", "--results", str(tmp_path / "file")]) == 2
    assert "is not a writable folder" in capsys.readouterr().err


def test_another_specification_under_the_same_name_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "quick-miniature"
    folder.mkdir()
    before = json.dumps({"spec": {"seeds": [0, 1], "benchmark": "miniature"}, "stages": {}})
    (folder / "sweep.json").write_text(before)
    assert main(["--space", "quick", "--results", str(tmp_path)]) == 2
    assert "seeds: was [0, 1], now [0]" in capsys.readouterr().err
    assert (folder / "sweep.json").read_text() == before


def test_a_plan_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "search.cost.time_description._measure_and_estimate"  # half a minute
    monkeypatch.setattr(name, lambda request, options, slots, done: ["time: about 1 h"])
    assert main(["--space", "full", "--plan", "--results", str(tmp_path / "results")]) == 0
    message = capsys.readouterr().out
    assert "sharing nothing" in message and "0 are done already" in message and "disk" in message
    assert "\ntime: about 1 h\n" in message
    assert not (tmp_path / "results").exists()


def test_the_plan_of_the_real_search_needs_neither_data_nor_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    flags = ["--space", "full", "--benchmark", "xtreme", "--data", str(tmp_path), "--plan"]
    assert main([*flags, "--results", str(tmp_path / "results")]) == 0
    message = capsys.readouterr().out
    assert "GPU-hours" in message and "data that this sweep needs are missing" in message


def test_a_full_temporary_folder_is_not_taken_for_the_results(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's files lie there; the message of the system names no path."""
    elsewhere = "/tmp/elsewhere"
    monkeypatch.setenv("RAY_TMPDIR", elsewhere)
    free = {elsewhere: 2**10, str(tmp_path): 2**40}
    monkeypatch.setattr(
        "search.process.write_failure._count_free_bytes",
        lambda url: next(free[top] for top in free if url.startswith(top)),
    )

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("search.driver.run_state.make_board", full)
    assert main(["--space", "quick", "--results", str(tmp_path)]) == 1
    message = capsys.readouterr().err.strip()
    assert message.startswith("stopped: temporary files cannot be written") and "set RAY_TMPDIR to a folder" in message
    assert f"in {elsewhere}/tune-" in message and "\n" not in message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("wrapped", [False, True])
def test_results_that_cannot_be_written_end_the_sweep_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, wrapped: bool
) -> None:
    def full(*_: object) -> None:
        try:
            raise OSError(number, os.strerror(number), str(tmp_path / "sweep.json"))
        except OSError as error:
            if not wrapped:
                raise
            raise RuntimeError("an error of Tune") from error

    monkeypatch.setattr("search.driver.run_state.make_board", full)
    assert main(["--space", "quick", "--results", str(tmp_path)]) == 1
    message = capsys.readouterr().err.strip()
    assert "\n" not in message and str(tmp_path) in message and "MiB are free" in message
    assert "Fix this, then run the same command again." in message
    lock_results(LocalStorage(tmp_path)).release()  # it is free again
    monkeypatch.setattr("search.driver.run_state.make_board", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["--space", "quick", "--results", str(tmp_path)])
