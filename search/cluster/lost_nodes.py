"""Nodes that fail. A lost machine shows first as the end of its workers: Ray says so half a minute later."""

import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from search.cluster.cluster import list_alive_nodes

CONNECT_TIMEOUT = 3.0  # seconds
PROBES = 32  # at once


def has_failing_node() -> bool:
    """Return True if a node that Ray counts as alive does not answer at its raylet's port, or will be taken away.

    On a node that will be taken away, Ray ends workers that are starting.
    """
    import ray

    is_leaving = any(node.is_leaving for node in list_alive_nodes().values())
    return is_leaving or any_silent(node for node in ray.nodes() if node["Alive"])


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
