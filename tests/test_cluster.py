"""Sweeps on a Ray cluster: two nodes on this machine; the one with the (logical) GPU is killed and replaced."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[1]
SWEEP = ("--intermediates", "ccg", "--targets", "udpos", "--seeds", "0", "--learning-rates", "1e-3")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def start(results: Path, *flags: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "tests" / "tiny_sweep.py"), *SWEEP, "--scheduler", "none", "--name", "tiny"]
    return subprocess.Popen(
        [*command, "--results", str(results), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "TINY_STEPS": "250", **environment},  # longer than it takes to start a second worker
    )


def scores(results: Path) -> pl.DataFrame:
    rows = pl.read_parquet(results / "stages" / "*" / "scores.parquet", glob=True)
    return rows.drop("seconds").sort(rows.drop("seconds").columns)


def under_way(results: Path) -> list[str]:
    """Stages that have trained a tenth and are not finished."""
    return [path.parent.name for path in results.glob("stages/*/checkpoint.safetensors")]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep on this machine alone, beside another Ray's address and below a temporary folder with a long path."""
    results, long = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("long") / ("x" * 100)
    long.mkdir()
    process = start(results, RAY_ADDRESS="127.0.0.1:1", TMPDIR=str(long))
    _, err = process.communicate()
    assert process.returncode == 0, err
    return results


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that holds the nodes, and the cluster's address."""
    command = [sys.executable, str(ROOT / "tests" / "two_nodes.py"), str(tmp_path_factory.mktemp("decoy"))]
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
    process = start(tmp_path, "--address", nodes[1], "--gpus-per-trial", "2")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "(there are 1 with 1 CPUs and 0 GPUs; 1 with 2 CPUs and 1 GPUs)" in err
    assert not (tmp_path / "tiny").exists() and not (tmp_path / "stages").exists()


def test_half_gpus_and_stages_of_a_killed_node_that_go_on_elsewhere(
    alone: Path, nodes: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    holder, address = nodes
    assert holder.stdin is not None and holder.stdout is not None
    process = start(tmp_path, "--address", address, "--gpus-per-trial", "0.5")
    while len(under_way(tmp_path)) < 2 and process.poll() is None:  # two at once share the only GPU
        time.sleep(0.05)
    holder.stdin.write("replace\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "killed\n"
    cut = under_way(tmp_path)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert len(cut) == 2, "killed too late to show anything"
    assert "is lost: its stages go on elsewhere" in err and "has joined (2 CPUs, 1 GPUs)" in err
    assert scores(tmp_path).equals(scores(alone))
