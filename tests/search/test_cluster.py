"""What is passed on to workers, and which addresses are refused; without Ray."""

import json
import os
import socket
from argparse import Namespace
from pathlib import Path

import pytest

from search import cluster
from search.cluster import coming_nodes, connected, runtime_environment, short_temporary
from search.slots import Node
from spaces.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("HF_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def flags(address: str | None, gpus: float = 0.0) -> Namespace:
    return Namespace(address=address, gpus_per_trial=gpus)


def test_a_cluster_gets_the_code_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, "HF_HUB_OFFLINE", "AWS_ENDPOINT_URL", "PYTHONPATH"):
        monkeypatch.setenv(name, f"value of {name}")
    environment = runtime_environment(flags("host:1", gpus=1.0))
    kept = {entry.name for entry in ROOT.iterdir()} - {name.removeprefix("/") for name in environment["excludes"]}
    assert kept == {"spaces", "trainables", "search"}
    assert environment["working_dir"] == str(ROOT)
    assert environment["env_vars"]["HF_HUB_OFFLINE"] == "value of HF_HUB_OFFLINE"
    assert environment["env_vars"]["AWS_ENDPOINT_URL"] == "value of AWS_ENDPOINT_URL"
    assert not {*SECRETS, "PYTHONPATH"} & set(environment["env_vars"])
    assert not any(f"value of {name}" in json.dumps(environment) for name in SECRETS)


def test_here_workers_get_the_way_to_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = runtime_environment(flags(None))
    assert environment["env_vars"]["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/elsewhere"]
    assert environment["env_vars"]["CUDA_VISIBLE_DEVICES"] == "" and "working_dir" not in environment
    assert "CUDA_VISIBLE_DEVICES" not in runtime_environment(flags(None, gpus=0.5))["env_vars"]


@pytest.mark.parametrize("address", ["ray://host:10001", "host", "host:port", "nonsense"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=f"--address {address}: an address is HOST:PORT"), connected(flags(address)):
        pass


def test_where_nobody_answers_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match="no cluster answers there"), connected(flags(address)):
            pass
        monkeypatch.setenv("RAY_ADDRESS", address)
        with (
            pytest.raises(UsageError, match=f"--address {address}: no cluster answers there"),
            connected(flags("auto")),
        ):
            pass


def test_a_long_temporary_folder_is_not_for_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert short_temporary({}) is None
    assert short_temporary({"TMPDIR": "/" + "x" * (cluster.LONGEST_TEMPORARY - 1)}) is None
    short = short_temporary({"TMPDIR": "/" + "x" * cluster.LONGEST_TEMPORARY})
    assert short is not None and len(short) <= cluster.LONGEST_TEMPORARY
    Path(short).rmdir()
    assert short_temporary({"RAY_TMPDIR": "/short", "TMPDIR": "/" + "x" * 200}) is None

    def refuse(**where: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cluster.tempfile, "mkdtemp", refuse)
    with pytest.raises(UsageError, match="set RAY_TMPDIR"):
        short_temporary({"TMPDIR": "/" + "x" * 200})


def test_kinds_of_nodes_that_may_come(tmp_path: Path) -> None:
    left = tmp_path / "ray_bootstrap_config.yaml"
    assert coming_nodes(left) == []
    kinds = {"head": {"resources": {"CPU": 4}}, "gpu": {"resources": {"CPU": 8, "GPU": 1}, "max_workers": 4}}
    left.write_text(json.dumps({"available_node_types": kinds}))
    assert coming_nodes(left) == [(Node("head", 4, 0), 0), (Node("gpu", 8, 1), 4)]
