"""Ray for a sweep: a private one on this machine or an existing cluster, and the cluster's nodes."""

import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.process import signals
from search.process.processes import kill_started_processes, make_run_environment, watch_children
from search.process.ray_start import RAY_PROCESSES, expect_start
from search.request.options import RunOptions
from search.request.resources import Node, count_local_cpus, count_mig_parts
from spaces.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
WORKER_FOLDERS = ("spaces", "trainables", "search")  # imported by workers; the analysis runs beside the driver

# Ray reads these when it is imported: no usage report, no loggers of its own, no boxes and tracebacks on the screen.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # Tune's snapshots are never read
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # search/process/signals.py handles it
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",  # it answers SIGTERM with an abort
    "SPT_NOENV": "1",  # else Ray's process titles overwrite the environment, and the run's mark in it
}

# Settings of torch's allocator: the user's hold.
ALLOCATOR_VARIABLES = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")

# Passed on to a cluster's workers. Secrets (HF_TOKEN, AWS_SECRET_ACCESS_KEY) are not: Ray keeps these variables where
# everybody on the cluster can read them. Secrets, and folders such as HF_HOME, are each node's own.
FORWARDED_VARIABLES = (
    *ALLOCATOR_VARIABLES,
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)

# `ray up` leaves it on a cluster's head. It names the kinds of nodes that the cluster may start by itself.
BOOTSTRAP_FILE = Path("~/ray_bootstrap_config.yaml")

CONNECT_TIMEOUT = 10.0  # seconds; Ray itself would try for minutes


@contextmanager
def connect_to_ray(options: RunOptions, ray_folder: Path) -> Iterator[None]:
    """Start Ray or join a cluster, with the project's code on every worker; shut everything down at the end.

    A private Ray keeps its files in `ray_folder`. Raises UsageError if there is no cluster at `--address`, or none that
    this process can join; RayStartError if Ray does not start.
    """
    os.environ.update(RAY_ENVIRONMENT | make_run_environment())
    with signals.register_teardown(kill_started_processes):
        try:
            # A closing terminal sends SIGHUP to all of them.
            with expect_start(ray_folder), signals.hide_from_children(signal.SIGHUP):
                _start_or_join(options, ray_folder)
        except SystemExit:  # Ray's answer to SIGTERM while it starts
            signals.end_now()
        signals.reinstall()
        try:
            with watch_children(RAY_PROCESSES, lambda name: signals.end_now(f"interrupted: {name} of Ray ended")):
                yield
        finally:
            import ray

            ray.shutdown()
            kill_started_processes()


def _start_or_join(options: RunOptions, ray_folder: Path) -> None:
    import ray

    base: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": build_runtime_env(options),
    }
    if options.address is not None:
        _check_address(options.address)
        try:
            ray.init(address=options.address, **base)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"--address {options.address}: {' '.join(str(error).split())} (A cluster with a token needs "
                "RAY_AUTH_MODE=token and the same ~/.ray/auth_token here.)"
            ) from error
    else:
        ray.init(
            address="local",  # never another Ray on this machine, nor the one in RAY_ADDRESS
            num_cpus=count_local_cpus(),
            num_gpus=count_mig_parts() or None,  # None: as many as Ray sees
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            _temp_dir=str(ray_folder),
            **base,
        )


def build_runtime_env(options: RunOptions) -> dict[str, Any]:
    """Return the workers' runtime environment: on this machine the path of the code, on a cluster the code (0.5 MB)."""
    variables = {"TOKENIZERS_PARALLELISM": "false"}
    if not options.gpus_per_trial:
        variables["CUDA_VISIBLE_DEVICES"] = ""  # a trial that requested no GPU must not use one
    elif not {*ALLOCATOR_VARIABLES} & {*os.environ}:
        # Batches differ in length, and fixed segments would leave fragments between them.
        variables[ALLOCATOR_VARIABLES[0]] = "expandable_segments:True"
    if not options.uses_cluster:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {"env_vars": {**variables, "PYTHONPATH": path}}
    forwarded = {name: os.environ[name] for name in FORWARDED_VARIABLES if name in os.environ}
    return {
        "env_vars": {**variables, **forwarded},
        "working_dir": str(ROOT),
        "excludes": sorted(f"/{entry.name}" for entry in ROOT.iterdir() if entry.name not in WORKER_FOLDERS),
    }


def _check_address(address: str) -> None:
    """Raise UsageError unless something answers there. `auto` is RAY_ADDRESS, or else a cluster on this machine."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", address)
        if address == "auto":
            return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdecimal():
        raise UsageError(
            f"--address {address}: an address is HOST:PORT (as `ray start --head` prints it) or auto. "
            "Run the command on a node of the cluster: through ray:// it would not see the results."
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
    except OSError as error:
        raise UsageError(
            f"--address {address}: no cluster answers there ({error}). Start one with `ray start --head --port={port}`."
        ) from error


def list_alive_nodes() -> dict[str, Node]:
    """Return the nodes of the cluster that are alive now, by Ray's id."""
    import ray
    from ray._private.state import state  # there is no public call: Ray Train asks here, too

    nodes, leaving = {}, state.get_draining_nodes()
    for node in ray.nodes():
        if node["Alive"]:
            name, resources = f"{node['NodeManagerHostname']}/{node['NodeID'][:6]}", node["Resources"]
            nodes[node["NodeID"]] = _build_node(name, resources, is_leaving=node["NodeID"] in leaving)
    return nodes


def _build_node(name: str, resources: Mapping[str, Any], *, is_leaving: bool = False) -> Node:
    """Return a node with the resources that Ray counts there."""
    cpus, gpus, memory = (float(resources.get(kind, 0)) for kind in ("CPU", "GPU", "memory"))
    return Node(name, cpus, gpus, memory, is_leaving=is_leaving)


def list_node_types(bootstrap_file: Path = BOOTSTRAP_FILE) -> list[tuple[Node, int]]:
    """Return the kinds of nodes that a cluster may start, each with its largest number; empty but on its head."""
    try:
        node_types = json.loads(bootstrap_file.expanduser().read_text(encoding="utf-8"))["available_node_types"]
    except FileNotFoundError:
        return []
    kinds = []
    for name, node_type in node_types.items():
        node = _build_node(name, node_type.get("resources", {}))
        kinds.append((node, int(node_type.get("max_workers", 0))))
    return kinds
