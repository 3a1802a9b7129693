"""While a sweep runs on a cluster: end it where the node that the command runs on, or the cluster's head, is lost.

Ray does not. With the node it ends every worker of this run and starts the new ones nowhere, so that the sweep would
wait for ever. Without the head its calls block, and after a minute it aborts the process. So one thread asks for the
nodes, and may be stuck in that; another one looks at what is known, and is never stuck.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from search.request.resources import Node

REFRESH_INTERVAL = 5.0  # seconds between two questions
CHECK_INTERVAL = 0.5  # seconds between two looks at the last answer
MAX_SILENCE = 30.0  # seconds without an answer: a head that starts anew is waited for, but not until Ray aborts


def explain_loss(own: Node | None, alive: bool, silent: float) -> str | None:
    """Why the sweep cannot go on, or None: `alive` is the last answer about the own node, `silent` seconds ago."""
    if not alive:
        name = "" if own is None else f" {own.name}"
        return f"stopped: node{name} of the cluster, on which this command runs, is lost (is its raylet dead?)"
    if silent >= MAX_SILENCE:
        return f"stopped: the head of the cluster has not answered for {MAX_SILENCE:.0f} seconds (is it down?)"
    return None


class OwnNodeMonitor:
    """The nodes by the last answer, and whether the own one is among them."""

    def __init__(self, own: str, ask: Callable[[], Mapping[str, Node]], end: Callable[[str], object]) -> None:
        """`own` is Ray's id of the node, `ask` tells those that are alive, and `end` is called with what is lost."""
        self.own_id, self.list_nodes, self.end_run = own, ask, end
        self.known_nodes = dict(ask())
        self.own_node = self.known_nodes.get(own)
        self.answered_at = time.monotonic()
        self._refresh_lock = threading.Lock()  # an older answer must not come after a newer one

    def nodes(self) -> Mapping[str, Node]:
        """Those that were alive at the last answer. Does not wait for Ray."""
        return self.known_nodes

    def refresh(self) -> None:
        """Ask anew, and judge. May be stuck where the head is lost."""
        with self._refresh_lock:
            try:
                answer = dict(self.list_nodes())
            except Exception:  # Ray has many; whatever it says, it is no answer, and the silence goes on
                answer = None
            if answer is not None:
                self.known_nodes, self.answered_at = answer, time.monotonic()
            self.check()

    def check(self) -> None:
        """End the sweep if something is lost that it needs."""
        why = explain_loss(self.own_node, self.own_id in self.known_nodes, time.monotonic() - self.answered_at)
        if why is not None:
            self.end_run(why)

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Within it, threads look and judge."""
        over = threading.Event()
        asking = threading.Thread(
            target=_repeat, args=(self.refresh, REFRESH_INTERVAL, over), daemon=True, name="nodes"
        )
        judging = threading.Thread(
            target=_repeat, args=(self.check, CHECK_INTERVAL, over), daemon=True, name="own node"
        )
        asking.start()
        judging.start()
        try:
            yield
        finally:
            over.set()
            judging.join()  # the other one may be stuck


def _repeat(act: Callable[[], None], every: float, over: threading.Event) -> None:
    while not over.wait(every):
        act()
