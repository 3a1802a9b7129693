"""A whole sweep whose results lie in object storage: killed, continued, ranked, and equal to one in a folder."""

import os
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from analysis.scores.fetch import fetch_results
from analysis.scores.load import load
from tests.paths import tiny_sweep
from tests.s3_server import S3Server
from tests.score_rows import drop_costs
from tests.sweeps.test_sweeps import kill
from trainables.storage.object_storage import ObjectStorage

FLAGS = ("--intermediates", "csqa", "--targets", "udpos,tatoeba", "--seeds", "0", "--name", "tiny")
ONE = ("--learning-rates", "1e-3", "--scheduler", "none", "--max-concurrent", "1")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def start(results: str, mark: str = "") -> subprocess.Popen[str]:
    command = tiny_sweep(*FLAGS, *ONE, "--results", results)
    environment = {**os.environ, "TINY_SWEEP": mark}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", env=environment
    )


def test_a_sweep_in_object_storage_equals_one_in_a_folder(s3: S3Server, tmp_path: Path) -> None:
    url = s3.bucket()
    storage = ObjectStorage(url)
    mark = uuid.uuid4().hex
    process = start(url, mark)
    while sum(name.endswith("outcome.json") for name in storage.list_sizes("stages")) < 2 and process.poll() is None:
        time.sleep(0.1)
    kill(mark)
    process.communicate()
    done = {name: storage.read(name) for name in storage.list_sizes("stages") if name.endswith("outcome.json")}
    assert len(done) < 6, "killed too late to show anything"
    again = start(url)
    folder = start(str(tmp_path))
    out, err = again.communicate()
    assert again.returncode == 0, err
    assert "Gain over `none`" in out and f"{len(done)} reused" in out
    assert {name: storage.read(name) for name in done} == done, "a finished stage was trained again"
    folder.communicate()
    address, _, query = url.partition("?")
    with fetch_results([f"{address}/tiny?{query}", str(tmp_path / "tiny")]) as paths:
        one, other = (drop_costs(load([path]).rows.collect()) for path in paths)
    assert one.sort(one.columns).equals(other.sort(other.columns))
