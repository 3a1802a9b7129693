"""Variables that are forwarded to workers, and addresses that are refused; without Ray."""

import json
import os
import socket
from pathlib import Path

import pytest

from search.cluster.cluster import ALLOCATOR_VARIABLES, build_runtime_env, connect_to_ray, list_node_types
from search.request.options import RunOptions
from search.request.resources import Node
from spaces.errors import UsageError
from tests.paths import ROOT

FOLDER = Path()  # for the files of Ray, which never starts here
SECRETS = ("HF_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def flags(address: str | None, gpus: float = 0.0) -> RunOptions:
    return RunOptions(address=address, gpus_per_trial=gpus)


def test_a_cluster_gets_the_code_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, "HF_HUB_OFFLINE", "AWS_ENDPOINT_URL", "PYTHONPATH"):
        monkeypatch.setenv(name, f"value of {name}")
    environment = build_runtime_env(flags("host:1", gpus=1.0))
    kept = {entry.name for entry in ROOT.iterdir()} - {name.removeprefix("/") for name in environment["excludes"]}
    assert kept == {"spaces", "trainables", "search"}
    assert environment["working_dir"] == str(ROOT)
    assert environment["env_vars"]["HF_HUB_OFFLINE"] == "value of HF_HUB_OFFLINE"
    assert environment["env_vars"]["AWS_ENDPOINT_URL"] == "value of AWS_ENDPOINT_URL"
    assert not {*SECRETS, "PYTHONPATH"} & set(environment["env_vars"])
    assert not any(f"value of {name}" in json.dumps(environment) for name in SECRETS)


def test_here_workers_get_the_way_to_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = build_runtime_env(flags(None))
    assert environment["env_vars"]["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/elsewhere"]
    assert environment["env_vars"]["CUDA_VISIBLE_DEVICES"] == "" and "working_dir" not in environment
    assert "CUDA_VISIBLE_DEVICES" not in build_runtime_env(flags(None, gpus=0.5))["env_vars"]


def test_the_allocator_of_trials_with_a_gpu_keeps_no_fragments_unless_the_user_says_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ALLOCATOR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert not {*ALLOCATOR_VARIABLES} & {*build_runtime_env(flags(None))["env_vars"]}
    for address in (None, "host:1"):
        variables = build_runtime_env(flags(address, gpus=0.5))["env_vars"]
        assert variables["PYTORCH_CUDA_ALLOC_CONF"] == "expandable_segments:True"
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "backend:native")
    variables = build_runtime_env(flags("host:1", gpus=1.0))["env_vars"]
    assert variables["PYTORCH_ALLOC_CONF"] == "backend:native" and "PYTORCH_CUDA_ALLOC_CONF" not in variables


@pytest.mark.parametrize("address", ["ray://host:10001", "host", "host:port", "nonsense"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=f"{address}: an address is HOST:PORT"), connect_to_ray(flags(address), FOLDER):
        pass


def test_where_nobody_answers_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match="no cluster answers there"), connect_to_ray(flags(address), FOLDER):
            pass
        monkeypatch.setenv("RAY_ADDRESS", address)
        with (
            pytest.raises(UsageError, match=f"--address {address}: no cluster answers there"),
            connect_to_ray(flags("auto"), FOLDER),
        ):
            pass


def test_kinds_of_nodes_that_may_come(tmp_path: Path) -> None:
    path = tmp_path / "ray_bootstrap_config.yaml"
    assert list_node_types(path) == []
    kinds = {"head": {"resources": {"CPU": 4}}, "gpu": {"resources": {"CPU": 8, "GPU": 1}, "max_workers": 4}}
    path.write_text(json.dumps({"available_node_types": kinds}))
    assert list_node_types(path) == [(Node("head", 4, 0), 0), (Node("gpu", 8, 1), 4)]
