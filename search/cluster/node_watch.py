"""While a sweep runs on a cluster: tell which nodes are lost or new, and when nothing runs since no node fits."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ray import tune
from rich.console import Console

from search.cluster.own_node import OwnNodeMonitor
from search.request.resources import Node, ResourceRequest, count_fitting_trials

LOOK_INTERVAL = 5.0  # seconds between looks
IDLE_WARNING_AFTER = 60.0  # seconds without a running stage before that is said


class NodeNews:
    """What has changed since the last look, in lines for people."""

    def __init__(self, ask: ResourceRequest, nodes: Mapping[str, Node]) -> None:
        self.resource_request, self.nodes = ask, dict(nodes)
        self.last_ran: float | None = None  # when a stage ran last
        self.has_warned = False

    def describe_changes(self, nodes: Mapping[str, Node], running: bool, now: float) -> list[str]:
        """The news at `now` (seconds of any clock), with the nodes that are alive and whether a stage runs."""
        lost = [node for key, node in self.nodes.items() if key not in nodes]
        new = [node for key, node in nodes.items() if key not in self.nodes]
        self.nodes = dict(nodes)
        lines = [f"node {node.name} is lost: its stages go on elsewhere from their last whole tenth." for node in lost]
        lines += [f"node {node.name} has joined ({node.cpus:g} CPUs, {node.gpus:g} GPUs)." for node in new]
        if running or self.last_ran is None:
            self.last_ran = now
            self.has_warned = False
        elif now - self.last_ran >= IDLE_WARNING_AFTER and not self.has_warned:
            self.has_warned = True
            lines.append(self._explain_idle(nodes))
        return lines

    def _explain_idle(self, nodes: Mapping[str, Node]) -> str:
        if any(count_fitting_trials(self.resource_request, node) for node in nodes.values()):
            why = f"trials of {self.resource_request} fit, so other work has the cluster, or workers are slow to start"
        else:
            why = f"none of the {len(nodes)} nodes that are left is large enough for a trial of {self.resource_request}"
        return f"no stage has run for {IDLE_WARNING_AFTER:.0f} seconds: {why}. Waiting; Ctrl-C stops, the same command continues."


class NodeWatchCallback(tune.Callback):
    """Tune's callback: looks at the nodes now and then."""

    def __init__(
        self,
        ask: ResourceRequest,
        own: OwnNodeMonitor,
        check: Callable[[Mapping[str, Node]], list[str]],
        console: Console,
    ) -> None:
        """`own` knows the nodes; `check` tells what is wrong with those that join."""
        self.news = NodeNews(ask, own.nodes())
        self.own_node, self.check_joined, self.console = own, check, console
        self.last_look = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks; the terminal stays behind."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """At every turn of Tune's loop."""
        now = time.monotonic()
        if now - self.last_look < LOOK_INTERVAL:
            return
        self.last_look = now
        before, nodes = set(self.news.nodes), self.own_node.nodes()
        running = any(trial.status == "RUNNING" for trial in trials)
        lines = self.news.describe_changes(nodes, running, now)
        joined = {key: node for key, node in nodes.items() if key not in before}
        if joined:
            lines += self.check_joined(joined)
        for line in lines:
            self.console.print(line, highlight=False, soft_wrap=True, markup=False)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """With the own node Ray ends every worker of the run: that ends the sweep, and is no failure of a stage.

        So this callback comes before the one that notes failures.
        """
        self.own_node.refresh()
