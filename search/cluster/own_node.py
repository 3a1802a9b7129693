"""While a sweep runs on a cluster: end it where the node that the command runs on, or the cluster's head, is lost.

Ray does not. With the node it kills every worker of this run and can start no new ones, so that the sweep would wait
for ever. Without the head its calls block, and after a minute it aborts the process. So one thread asks for the nodes
and may get stuck in that. Another one checks the last answer and never gets stuck.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from search.request.resources import Node

REFRESH_INTERVAL = 5.0  # seconds between two queries
CHECK_INTERVAL = 0.5  # seconds between two checks of the last answer
MAX_SILENCE = 30.0  # seconds without an answer: a head may restart, but Ray must not abort first


def explain_loss(own_node: Node | None, alive: bool, silence: float) -> str | None:
    """Return why the sweep cannot go on, or None. `alive` is by the last answer, which is `silence` seconds old."""
    if not alive:
        name = "" if own_node is None else f" {own_node.name}"
        return f"stopped: the cluster node{name}, on which this command runs, is lost (is its raylet dead?)"
    if silence >= MAX_SILENCE:
        return f"stopped: the head of the cluster has not answered for {MAX_SILENCE:.0f} seconds (is it down?)"
    return None


class OwnNodeMonitor:
    """The cluster's nodes by the last answer, with a check that the command's own node is among them."""

    def __init__(self, own_id: str, list_nodes: Callable[[], Mapping[str, Node]], end: Callable[[str], object]) -> None:
        """Ask for the nodes (by Ray's ids) once. `end` gets the reason why the sweep cannot go on."""
        self.own_id, self.list_nodes, self.end_run = own_id, list_nodes, end
        self.known_nodes = dict(list_nodes())
        self.own_node = self.known_nodes.get(own_id)
        self.answered_at = time.monotonic()
        self._refresh_lock = threading.Lock()  # an older answer must not replace a newer one

    def __getstate__(self) -> dict[str, object]:
        """Return no state: Tune pickles its scheduler and callbacks, and never reads them again."""
        return {}

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes that were alive by the last answer. Does not wait for Ray."""
        return self.known_nodes

    def is_leaving(self, id_: str | None) -> bool:
        """Return True if the node of Ray's id `id_` will be taken away soon, by the last answer."""
        return id_ in self.known_nodes and self.known_nodes[id_].is_leaving

    def refresh(self) -> None:
        """Ask for the nodes again, then check. May get stuck where the head is lost."""
        with self._refresh_lock:
            with contextlib.suppress(Exception):  # Ray has many errors; none of them is an answer
                self.known_nodes, self.answered_at = dict(self.list_nodes()), time.monotonic()
            self.check()

    def check(self) -> None:
        """End the sweep if it lost its own node or the head."""
        reason = explain_loss(self.own_node, self.own_id in self.known_nodes, time.monotonic() - self.answered_at)
        if reason is not None:
            self.end_run(reason)

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Within the context, refresh and check in two threads."""
        is_over = threading.Event()
        refreshing, checking = (
            threading.Thread(target=_repeat, args=(act, interval, is_over), daemon=True, name=name)
            for act, interval, name in (
                (self.refresh, REFRESH_INTERVAL, "nodes"),
                (self.check, CHECK_INTERVAL, "own node"),
            )
        )
        refreshing.start()
        checking.start()
        try:
            yield
        finally:
            is_over.set()
            checking.join()  # the other one may be stuck


def _repeat(act: Callable[[], None], interval: float, is_over: threading.Event) -> None:
    while not is_over.wait(interval):
        act()
