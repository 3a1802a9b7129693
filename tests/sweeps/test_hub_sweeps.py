"""Sweeps over a hub that changes while they run: what the workers read, and what the next command says."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spaces.xtreme import LANGUAGES
from tests.encoder_folders import build_xlmr, write_encoder
from tests.hub_layout import PAIR, XNLI, Layout, pair_rows
from tests.loopback_hub import Fault, LoopbackHub
from tests.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ENCODER, GLUE = "org/encoder", "nyu-mll/glue"
TRAIN = "mnli/train-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LoopbackHub]:
    """A hub with MultiNLI, XNLI and a small encoder."""
    layout = Layout(tmp_path / "hub")
    rows = [{"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in LANGUAGES]
    for split in ("validation", "test"):
        layout.write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    layout.write(f"{GLUE}/mnli/train", PAIR, pair_rows(40))
    (tmp_path / "encoder").mkdir()
    write_encoder(tmp_path / "encoder", build_xlmr(60, max_position_embeddings=514))
    server = LoopbackHub()
    server.serve_folder(layout.folder)
    server.serve_model(tmp_path / "encoder", ENCODER)
    yield server
    server.stop()


def run(hub: LoopbackHub, folder: Path, *flags: str) -> tuple[int, str]:
    """The exit code, and all output."""
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "0"}
    names = ("--intermediates", "mnli", "--targets", "xnli", "--seeds", "0", "--learning-rates", "1e-4")
    own = ("--benchmark", "xtreme", "--model", ENCODER, "--results", str(folder / "runs"))
    command = [sys.executable, str(ROOT / "search" / "run.py"), *own, *names, *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def stages_of(folder: Path, sweep: str) -> set[str]:
    """The keys of a sweep's stages."""
    return set(json.loads((folder / "runs" / sweep / "sweep.json").read_text())["stages"])


def repositories_of(folder: Path, sweep: str) -> dict[str, str]:
    """The commits that a sweep recorded."""
    return dict(json.loads((folder / "runs" / sweep / "sweep.json").read_text())["repositories"])


def test_a_commit_in_mid_sweep_is_not_read_and_is_told(hub: LoopbackHub, tmp_path: Path) -> None:
    old = {name: hub.repositories[name].branches["main"] for name in (("datasets", GLUE), ("models", ENCODER))}
    new = {}

    def commit_upstream(method: str, path: str, number: int) -> Fault | None:
        """Change rows and weights when the sweep asks for the first file: it has planned by then."""
        if "/resolve/" in path and not new:
            for name, file in ((("datasets", GLUE), TRAIN), (("models", ENCODER), "model.safetensors")):
                new[name] = hub.repositories[name].commit({file: b"nothing that could be read"})
        return None

    hub.fault = commit_upstream
    code, output = run(hub, tmp_path, "--max-concurrent", "2", "--name", "first")
    assert code == 0 and new, output
    record = repositories_of(tmp_path, "first")
    assert record[f"dataset {GLUE} main"] == old["datasets", GLUE]
    assert record[f"model {ENCODER} main"] == old["models", ENCODER]
    for name, commit in new.items():
        assert not any(commit in request for request in hub.requests), name

    code, output = run(hub, tmp_path, "--name", "first")
    assert code == 0 and "0 stages run" in output
    for (_, repo_id), commit in new.items():
        assert f"{repo_id} has moved from commit" in output and commit in output

    # Other commits with the same contents have the same keys.
    hub.dataset(GLUE).commit({TRAIN: (tmp_path / "hub" / GLUE / TRAIN).read_bytes()})
    newest = hub.serve_model(tmp_path / "encoder", ENCODER)
    code, output = run(hub, tmp_path, "--name", "first", "--new-commits")
    assert code == 0 and "0 stages run" in output
    assert repositories_of(tmp_path, "first")[f"model {ENCODER} main"] == newest

    # New rows are another sweep.
    Layout(tmp_path / "more").write(f"{GLUE}/mnli/train", PAIR, pair_rows(50))
    rows = hub.dataset(GLUE).commit({TRAIN: (tmp_path / "more" / GLUE / TRAIN).read_bytes()})
    code, output = run(hub, tmp_path, "--name", "first", "--new-commits")
    assert code == 2 and "Give another --name" in output
    code, output = run(hub, tmp_path, "--name", "second", "--new-commits")
    assert code == 0, output
    assert repositories_of(tmp_path, "second")[f"dataset {GLUE} main"] == rows
    assert stages_of(tmp_path, "first").isdisjoint(stages_of(tmp_path, "second"))

    hub.stop()  # without a network, the first goes on at its commits
    code, output = run(hub, tmp_path, "--name", "first")
    assert code == 0 and "0 stages run" in output, output
