"""Nodes that do not answer, with sockets of this machine for raylets."""

import socket

from search.cluster.lost_nodes import any_silent


def test_a_node_is_silent_if_nothing_answers_at_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as raylet:
        alive = {"NodeManagerAddress": "127.0.0.1", "NodeManagerPort": raylet.getsockname()[1]}
        assert not any_silent([]) and not any_silent([alive, alive])
    assert any_silent([alive]), "its raylet is gone"
