"""Whole sweeps with Ray, in subprocesses, as a user runs them: finish, repeat, extend, kill, fail."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import polars as pl
import pytest

from spaces.halving import RUNGS
from tests.paths import ROOT, tiny_sweep
from tests.score_rows import drop_costs

SWEEP = ("--intermediates", "ccg,csqa", "--targets", "udpos,tatoeba", "--seeds", "0", "--name", "tiny")
RATES = ("--learning-rates", "1e-3,4e-3,0.9")  # the last one spoils everything
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def start(results: Path, *flags: str, mark: str = "") -> subprocess.Popen[str]:
    command = tiny_sweep(*SWEEP, "--results", str(results), *flags)
    environment = {**os.environ, "TINY_SWEEP": mark, "PYTHONWARNINGS": "default"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", env=environment
    )


def run(results: Path, *flags: str) -> tuple[int, str, str]:
    process = start(results, *flags)
    out, err = process.communicate()
    return process.returncode, out, err


def kill(mark: str, title: bytes = b"", number: signal.Signals = signal.SIGKILL) -> int:
    """Signal every process that was started under the mark and has the title; return their number."""
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"TINY_SWEEP={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if marked and title in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), number)
                killed += 1
        except OSError:  # it ended, or is none of ours
            continue
    return killed


def outcomes(results: Path) -> dict[str, int]:
    """Key of each stage that is done, and when it was."""
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("stages/*/outcome.json")}


def scores(results: Path) -> pl.DataFrame:
    rows = pl.read_parquet(results / "stages" / "*" / "scores.parquet", glob=True)
    return drop_costs(rows).sort(drop_costs(rows).columns)


def state(results: Path) -> str:
    """The state that status.py reads from the sweep's files."""
    command = [sys.executable, str(ROOT / "search" / "status.py"), str(results / "tiny"), "--json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    return str(json.loads(output)["state"])


def rank(results: Path) -> str:
    command = [sys.executable, str(ROOT / "analysis" / "rank.py"), str(results / "tiny"), "--format", "csv"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nobody interrupted, on one worker, without stopping."""
    results = tmp_path_factory.mktemp("whole")
    code, out, err = run(results, *RATES, "--scheduler", "none", "--max-concurrent", "1")
    assert code == 0, err
    assert "Gain over `none`" in out and f"The whole ranking: python analysis/rank.py {results / 'tiny'}" in out
    assert not any(word in out + err for word in ("Traceback", "WARNING", "INFO", "deprecat"))
    return results


def test_it_ends_with_a_ranked_table_and_every_cell(whole: Path) -> None:
    rows = scores(whole).filter(pl.col("split") == "test", pl.col("official"))
    assert set(rows["target"].unique()) == {"udpos", "tatoeba"}
    assert set(rows["intermediate"].unique()) == {"none", "ccg", "csqa"}
    assert {"ccg", "csqa"} <= set(rank(whole).replace(",", " ").split())


def test_the_same_command_again_trains_nothing(whole: Path) -> None:
    before = outcomes(whole)
    began = time.monotonic()
    code, out, _ = run(whole, *RATES, "--scheduler", "none", "--max-concurrent", "1")
    assert code == 0 and "0 stages run" in out
    assert outcomes(whole) == before
    assert time.monotonic() - began < 60  # Ray is not even started; far above what it takes


def test_killed_and_continued_equals_uninterrupted(whole: Path, tmp_path: Path) -> None:
    flags = (*RATES, "--scheduler", "none", "--max-concurrent", "1")
    done: dict[str, int] = {}
    for count in (2, 9):
        mark = uuid.uuid4().hex
        process = start(tmp_path, *flags, mark=mark)
        if count == 9:  # on the way a worker is killed alone: it is replaced
            wait_for(process, tmp_path, 5)
            while not kill(mark, b"ray::ResourceTrainable"):  # between two stages there may be none for a moment
                assert process.poll() is None
        wait_for(process, tmp_path, count)
        before = state(tmp_path)
        kill(mark)
        process.communicate()
        assert (before, state(tmp_path)) == ("running", "interrupted")
        last, done = done, outcomes(tmp_path)
        assert {key: done[key] for key in last} == last, "a finished stage was trained again"
        assert len(done) < len(outcomes(whole)), "killed too late to show anything"
    code, _, err = run(tmp_path, *flags)
    assert code == 0, err
    after = outcomes(tmp_path)
    assert {key: after[key] for key in done} == done, "a finished stage was trained again"
    assert scores(tmp_path).equals(scores(whole))
    assert rank(tmp_path) == rank(whole)
    assert state(tmp_path) == "complete"


def wait_for(process: subprocess.Popen[str], results: Path, done: int) -> None:
    """Until so many stages are done, or the process has ended."""
    while len(outcomes(results)) < done and process.poll() is None:
        time.sleep(0.05)


def test_an_interrupt_says_how_to_continue(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    process = start(tmp_path, *RATES, mark=mark)
    while not outcomes(tmp_path) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130 and "Traceback" not in err
    lines = [line for line in err.splitlines() if "interrupted" in line]
    assert "finishing the running tenths" in lines[0] and "to continue: " in lines[1] and "tiny_sweep.py" in lines[1]
    assert not kill(mark), "processes were left"


def test_more_seeds_train_only_what_is_new_and_stopping_censors(tmp_path: Path) -> None:
    few = (*RATES, "--intermediates", "ccg", "--targets", "udpos")
    code, _, err = run(tmp_path, *few)
    assert code == 0, err
    first = outcomes(tmp_path)
    stopped = scores(tmp_path).filter(pl.col("status") == "stopped")
    assert stopped.height and set(stopped["split"]) == {"dev"}, "a stopped stage has no test score"
    assert stopped["tenth"].min() == 1 and stopped["tenth"].max() in RUNGS
    code, _out, err = run(tmp_path, *few, "--seeds", "0,1")
    assert code == 0, err
    after = outcomes(tmp_path)
    assert {key: after[key] for key in first} == first and len(after) > len(first)
    new = scores(tmp_path).filter(~pl.col("stage").is_in(list(first)))
    assert set(new["seed"]) == {1}
    code, _, err = run(tmp_path, *few, "--seeds", "1")
    assert code == 2 and "seeds: was [0, 1], now [1]" in err


def count_damaged(err: str) -> int:
    """The number of damaged files that were named."""
    return sum(line.startswith("damaged: ") for line in err.splitlines())


def test_damage_to_a_finished_sweep_is_named_and_made_again(tmp_path: Path) -> None:
    flags = ("--learning-rates", "1e-3,4e-3", "--intermediates", "ccg", "--targets", "udpos")
    assert run(tmp_path, *flags)[0] == 0
    whole = scores(tmp_path)
    spec_of = {path.parent: json.loads(path.read_text()) for path in tmp_path.glob("stages/*/spec.json")}
    finished = set(whole.filter(pl.col("status") == "finished")["stage"])
    # A target of the baseline: nothing that runs again then needs the encoder whose weights are damaged, too.
    of_none = (at for at, spec in spec_of.items() if (spec["kind"], spec["intermediate"]) == ("target", "none"))
    target = next(at for at in of_none if at.name in finished)
    weights = next(path for path in tmp_path.glob("stages/*/encoder/*") if spec_of[path.parents[1]]["task"] == "ccg")
    for path in (tmp_path / "tiny" / "sweep.json", target / "scores.parquet", weights.with_name("model.safetensors")):
        path.write_bytes(path.read_bytes()[:-20])
    (target / "spec.json").write_text("")
    next(tmp_path.glob("tiny/rungs/target*.ccg.*.json")).write_text("")
    code, out, err = run(tmp_path, *flags)
    assert code == 0 and "1 stages run" in out and count_damaged(err) == 4, err  # nothing starts from the encoder
    assert scores(tmp_path).equals(whole)
    code, _, err = run(tmp_path, *flags, "--targets", "udpos,tatoeba")
    assert code == 0 and count_damaged(err) == 1 and "encoder is damaged: model.safetensors" in err
    kept = scores(tmp_path).filter(pl.col("stage").is_in(whole["stage"].unique()))
    assert kept.equals(whole), "what was trained again is what it was"


def test_sampled_rates_are_drawn_once(tmp_path: Path) -> None:
    flags = ("--learning-rates", "1e-4..5e-3:3", "--intermediates", "csqa", "--targets", "tatoeba")
    code, _, err = run(tmp_path, *flags)
    assert code == 0, err
    first = outcomes(tmp_path)
    rates = scores(tmp_path).drop_nulls("learning_rate")["learning_rate"]
    assert rates.n_unique() >= 3 and rates.is_between(1e-4, 5e-3).all()
    code, out, _ = run(tmp_path, *flags)
    assert code == 0 and "0 stages run" in out and outcomes(tmp_path) == first
