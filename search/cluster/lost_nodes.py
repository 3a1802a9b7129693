"""Nodes that do not answer. A lost machine shows first as the end of its workers: Ray says so half a minute later."""

import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONNECT_TIMEOUT = 3.0  # seconds
PROBES = 32  # at once


def has_silent_node() -> bool:
    """Return True if a node that Ray counts as alive does not answer at its raylet's port."""
    import ray

    return any_silent(node for node in ray.nodes() if node["Alive"])


def any_silent(nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Return True if one of the nodes, as `ray.nodes()` gives them, does not answer."""
    addresses = [(node["NodeManagerAddress"], node["NodeManagerPort"]) for node in nodes]
    with ThreadPoolExecutor(PROBES) as pool:
        return not all(pool.map(_answers, addresses))


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=CONNECT_TIMEOUT).close()
    except OSError:
        return False
    return True
