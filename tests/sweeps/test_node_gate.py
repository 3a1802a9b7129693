"""A node that joins a sweep's cluster and sees other results: it is kept out, and no stage loses a try.

The node is a process of this machine in a mount namespace of its own, where an empty folder lies over the results.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweeps.test_cluster import ended, scores, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]
RAY = Path(sys.executable).parent / "ray"
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
SEEDS = ("--seeds", "0..3")  # so many that the node joins before the end
BIND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def can_hide_folders() -> bool:
    """Only root may mount, and not in every container."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster with one node of one CPU."""
    port, folder = "6391", f"/tmp/ts-gate-{os.getpid()}"
    flags = ["--include-dashboard=false", "--object-store-memory=100000000", f"--temp-dir={folder}"]
    process = subprocess.Popen(
        [RAY, "start", "--head", f"--port={port}", "--num-cpus=1", "--block", *flags],
        env={**os.environ, **TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    time.sleep(8)
    yield f"127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not can_hide_folders(), reason="this user cannot mount a folder over another one")
def test_a_node_with_results_of_its_own_is_kept_out(head: str, tmp_path: Path) -> None:
    alone, shared, empty = (tmp_path / name for name in ("alone", "shared", "empty"))
    for folder in (shared, empty):
        folder.mkdir()
    _, err = ended(start(alone, *SEEDS))
    process = start(shared, *SEEDS, "--address", head, "--max-concurrent", "3", **TOKEN)
    while not list(shared.glob("stages/*/lock")) and process.poll() is None:
        time.sleep(0.1)
    joining = [str(RAY), "start", f"--address={head}", "--num-cpus=2", "--object-store-memory=100000000", "--block"]
    node = subprocess.Popen(
        ["unshare", "-m", "bash", "-c", BIND, "bash", str(empty), str(shared), *joining],
        env={**os.environ, **TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _, err = ended(process)
    finally:
        os.killpg(node.pid, signal.SIGTERM)
        node.wait()
    assert process.returncode == 0, err
    assert "has joined (2 CPUs, 0 GPUs)" in err
    assert err.count("kept out: ") == 1 and f"the results folder {shared} is not shared with node" in err
    assert scores(shared).equals(scores(alone))
    assert not list(empty.iterdir()), "nothing was written where nobody looks"
