"""Sweeps on a Ray cluster: two nodes on this machine; the one with the (logical) GPU is killed and replaced."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.paths import ROOT, tiny_sweep
from tests.score_rows import drop_costs

SWEEP = (
    *("--intermediates", "ccg", "--targets", "tatoeba", "--seeds", "0", "--learning-rates", "1e-3,4e-3"),
    *("--scheduler", "none", "--name", "tiny"),
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]


def start(results: Path, *flags: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        tiny_sweep(*SWEEP, "--results", str(results), *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "TINY_STEPS": "300", **environment},  # time enough to be caught at work
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The sweep's output. A sweep that does not end is killed, and its output is in the failure."""
    try:
        return process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the sweep did not end:\n{out}\n{err}")


def scores(results: Path) -> pl.DataFrame:
    rows = pl.read_parquet(results / "stages" / "*" / "scores.parquet", glob=True)
    return drop_costs(rows).sort(drop_costs(rows).columns)


def under_way(results: Path) -> set[str]:
    """Intermediate stages, which may run beside each other, that have begun and are not finished."""
    folders = (path.parent for path in results.glob("stages/*/lock"))
    return {folder.name for folder in folders if is_begun_phase(folder) and not (folder / "outcome.json").exists()}


def is_begun_phase(folder: Path) -> bool:
    spec = folder / "spec.json"
    return spec.exists() and '"kind":"intermediate"' in spec.read_text()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep on this machine alone, beside another Ray's address and below a temporary folder with a long path."""
    results, long = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("long") / ("x" * 100)
    long.mkdir()
    process = start(results, RAY_ADDRESS="127.0.0.1:1", TMPDIR=str(long))
    _, err = ended(process)
    assert process.returncode == 0, err
    return results


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that holds the nodes, and the cluster's address."""
    command = [sys.executable, str(ROOT / "tests" / "sweeps" / "two_nodes.py"), str(tmp_path_factory.mktemp("decoy"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
    assert process.stdin is not None and process.stdout is not None
    address = next(line for line in process.stdout if ":" in line).strip()
    yield process, address
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_a_trial_that_fits_on_no_node_is_refused_at_once(
    nodes: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process = start(tmp_path, "--address", nodes[1], "--cpus-per-trial", "3")
    _, err = ended(process)
    assert process.returncode == 2
    assert "(there are 1 with 1 CPUs and 0 GPUs; 1 with 2 CPUs and 1 GPUs)" in err
    assert not (tmp_path / "tiny").exists() and not (tmp_path / "stages").exists()


def test_stages_on_a_node_that_will_be_taken_away_end_their_tenth_and_go_on_elsewhere(
    nodes: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    holder, address = nodes
    assert holder.stdin is not None and holder.stdout is not None
    long = {"TINY_STEPS": "1200"}  # the nodes are asked every five seconds
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    ended(start(alone, **long))
    process = start(shared, "--address", address, "--gpus-per-trial", "0.5", **long)
    while len(running := under_way(shared)) < 2 and process.poll() is None:
        time.sleep(0.02)
    holder.stdin.write("notice\n")
    holder.stdin.flush()
    assert "told\n" in iter(holder.stdout.readline, "")
    _, err = ended(process)
    assert process.returncode == 0, err
    assert err.count("will be taken away") == 1
    attempts = [json.loads(file.read_text()) for file in shared.glob("stages/*/attempts.json")]
    assert {attempt["kind"] for each in attempts for attempt in each} <= {"node"}, "a worker that was starting"
    assert len(attempts) < len(running), "a stage under way wrote its state"
    assert scores(shared).equals(scores(alone))


def test_half_gpus_and_stages_of_a_killed_node_that_go_on_elsewhere(
    alone: Path, nodes: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    holder, address = nodes
    assert holder.stdin is not None and holder.stdout is not None
    process = start(tmp_path, "--address", address, "--gpus-per-trial", "0.5")
    held: dict[str, int] = {}
    while len(held) < 2 and process.poll() is None:  # two at once share the only GPU
        for key in under_way(tmp_path) - held.keys():  # held where it is: it must not end before the node does
            worker = int((tmp_path / "stages" / key / "lock").read_text().split()[1])
            os.kill(worker, signal.SIGSTOP)
            if key in under_way(tmp_path):
                held[key] = worker
            else:  # it ended just before
                os.kill(worker, signal.SIGCONT)
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()[1]
    holder.stdin.write("replace\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "killed\n"
    for worker in held.values():  # the others end with their node; a process that is stopped cannot
        os.kill(worker, signal.SIGKILL)
    _, err = ended(process)
    assert process.returncode == 0, err
    assert err.count("tried again: ") == 2 and "has joined (2 CPUs, 1 GPUs)" in err
    assert scores(tmp_path).equals(scores(alone))
