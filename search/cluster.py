"""Ray for a sweep: a private one on this machine, or a cluster that is there already; and its nodes."""

import json
import os
import shutil
import socket
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.slots import Node, cpus_here
from spaces.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
CODE = ("spaces", "trainables", "search")  # what workers import; the analysis runs beside the driver

# Read by Ray when it is imported: no usage report, no loggers of its own, no boxes and tracebacks on the screen.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # Tune's snapshots are never read
}

# Passed on to a cluster's workers. Secrets (HF_TOKEN, AWS_SECRET_ACCESS_KEY) are not: Ray keeps what is passed where
# everybody on the cluster can read it. They, and folders such as HF_HOME, are each node's own.
PASSED = (
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)

# Ray's sockets lie below its temporary folder, and a socket's path has at most 107 bytes.
LONGEST_TEMPORARY = 107 - len("/ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store")

# What `ray up` leaves on a cluster's head: the kinds of nodes that the cluster may start by itself.
BOOTSTRAP = Path("~/ray_bootstrap_config.yaml")

CONNECT = 10.0  # seconds; Ray itself would try for minutes


@contextmanager
def connected(options: Namespace) -> Iterator[None]:
    """Ray, quiet, with the project's code on every worker; nothing of it is left behind.

    Raises UsageError if there is no cluster at `--address`, or none that this process can join.
    """
    os.environ.update(QUIET)
    import ray

    common: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": runtime_environment(options),
    }
    temporary = None
    if options.address is not None:
        _check_address(options.address)
        try:
            ray.init(address=options.address, **common)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"--address {options.address}: {' '.join(str(error).split())}") from error
    else:
        temporary = short_temporary(os.environ)
        ray.init(
            address="local",  # never another one on this machine, nor the one in RAY_ADDRESS
            num_cpus=cpus_here(),
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            _temp_dir=temporary,
            **common,
        )
    try:
        yield
    finally:
        ray.shutdown()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def runtime_environment(options: Namespace) -> dict[str, Any]:
    """What workers get: on this machine the way to the code, on a cluster the code itself (about 0.5 MB)."""
    variables = {"TOKENIZERS_PARALLELISM": "false"}
    if not options.gpus_per_trial:
        variables["CUDA_VISIBLE_DEVICES"] = ""  # a trial that asked for no GPU must not crowd one
    if options.address is None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {"env_vars": {**variables, "PYTHONPATH": path}}
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    return {
        "env_vars": {**variables, **passed},
        "working_dir": str(ROOT),
        "excludes": sorted(f"/{entry.name}" for entry in ROOT.iterdir() if entry.name not in CODE),
    }


def short_temporary(environment: Mapping[str, str]) -> str | None:
    """A folder for Ray's sockets where the usual one's path is too long; None where it is not.

    Raises UsageError if there is no short one to be had.
    """
    usual = environment.get("RAY_TMPDIR") or environment.get("TMPDIR") or "/tmp"
    if len(os.fsencode(usual.rstrip("/"))) <= LONGEST_TEMPORARY:
        return None
    try:
        return tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    except OSError as error:
        raise UsageError(
            f"the temporary folder {usual} has a path too long for Ray's sockets, and /tmp cannot be written "
            f"({error.strerror}): set RAY_TMPDIR to a folder with at most {LONGEST_TEMPORARY} bytes in its path."
        ) from error


def _check_address(address: str) -> None:
    """Raise UsageError unless somebody answers there. `auto` is RAY_ADDRESS, or else a cluster on this machine."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", address)
        if address == "auto":
            return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdecimal():
        raise UsageError(
            f"--address {address}: an address is HOST:PORT (that `ray start --head` prints) or auto. "
            "Run the command on a node of the cluster: through ray:// it would not see the results."
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT).close()
    except OSError as error:
        raise UsageError(
            f"--address {address}: no cluster answers there ({error}). Start one with `ray start --head --port={port}`."
        ) from error


def alive_nodes() -> dict[str, Node]:
    """The nodes of the cluster that are alive now, by Ray's id."""
    import ray

    return {
        node["NodeID"]: Node(
            f"{node['NodeManagerHostname']}/{node['NodeID'][:6]}",
            node["Resources"].get("CPU", 0),
            node["Resources"].get("GPU", 0),
        )
        for node in ray.nodes()
        if node["Alive"]
    }


def coming_nodes(bootstrap: Path = BOOTSTRAP) -> list[tuple[Node, int]]:
    """Kinds of nodes that an autoscaling cluster may start, with the largest number of each; empty on any other.

    Known on the head node only, where `ray up` leaves the cluster's configuration.
    """
    try:
        kinds = json.loads(bootstrap.expanduser().read_text(encoding="utf-8"))["available_node_types"]
    except FileNotFoundError:
        return []
    found = []
    for name, kind in kinds.items():
        resources = kind.get("resources", {})
        node = Node(name, float(resources.get("CPU", 0)), float(resources.get("GPU", 0)))
        found.append((node, int(kind.get("max_workers", 0))))
    return found
