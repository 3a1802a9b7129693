"""While a sweep runs on a cluster: report lost, leaving and new nodes, and a sweep that waits for a node that fits."""

import time
from collections.abc import Collection, Mapping, MutableSet
from typing import Any

from ray import tune
from rich.console import Console

from search.cluster.own_node import OwnNodeMonitor
from search.request.resources import Node, ResourceRequest, count_fitting_trials

LOOK_INTERVAL = 5.0  # seconds between looks
IDLE_WARNING_AFTER = 60.0  # seconds without a running stage before a warning


class NodeNews:
    """The changes of a cluster's nodes since the last look, as lines to print."""

    def __init__(
        self, resource_request: ResourceRequest, nodes: Mapping[str, Node], kept_out: Collection[str] = ()
    ) -> None:
        """`kept_out` are the ids of nodes that may run no stage, by now."""
        self.resource_request, self.nodes, self.kept_out = resource_request, dict(nodes), kept_out
        self.last_ran: float | None = None  # time at which a stage ran last
        self.has_warned = False

    def describe_changes(self, nodes: Mapping[str, Node], is_running: bool, now: float) -> list[str]:
        """Return the news at `now` (seconds of any clock), with the nodes alive and whether any stage runs."""
        lost = [node for key, node in self.nodes.items() if key not in nodes]
        joined = [node for key, node in nodes.items() if key not in self.nodes]
        lines = [
            f"node {node.name} is lost: its stages continue on other nodes from their last tenth." for node in lost
        ]
        lines += [
            f"node {node.name} will be taken away: its stages end their tenth, and go on elsewhere."
            for key, node in nodes.items()
            if node.is_leaving and not (key in self.nodes and self.nodes[key].is_leaving)
        ]
        lines += [f"node {node.name} has joined ({node.cpus:g} CPUs, {node.gpus:g} GPUs)." for node in joined]
        self.nodes = dict(nodes)
        if is_running or self.last_ran is None:
            self.last_ran = now
            self.has_warned = False
        elif now - self.last_ran >= IDLE_WARNING_AFTER and not self.has_warned:
            self.has_warned = True
            lines.append(self._explain_idle(nodes))
        return lines

    def _explain_idle(self, nodes: Mapping[str, Node]) -> str:
        trial = f"a trial of {self.resource_request}"
        usable = [node for key, node in nodes.items() if key not in self.kept_out]
        if any(count_fitting_trials(self.resource_request, node) for node in usable):
            reason = f"{trial} fits, so other work occupies the cluster, or workers are slow to start"
        else:
            kept_out = len(nodes) - len(usable)
            also = f" ({kept_out} more are kept out, for the reasons above)" if kept_out else ""
            reason = f"none of the {len(usable)} remaining nodes is large enough for {trial}{also}"
        return (
            f"no stage has run for {IDLE_WARNING_AFTER:.0f} seconds: {reason}. "
            "The sweep waits. Ctrl-C stops it, and the same command continues."
        )


class NodeWatchCallback(tune.Callback):
    """Tune's callback that looks at the nodes at intervals."""

    def __init__(
        self,
        resource_request: ResourceRequest,
        own_node: OwnNodeMonitor,
        kept_out: MutableSet[str],
        console: Console,
    ) -> None:
        """Take the nodes from `own_node`; `kept_out` as in NodeNews: nodes that leave are added to it.

        Nodes that join check themselves.
        """
        self.news = NodeNews(resource_request, own_node.nodes(), kept_out)
        self.own_node, self.kept_out, self.console = own_node, kept_out, console
        self.last_look = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Return no state: Tune pickles its callbacks, and a terminal cannot be pickled."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Print the news, at intervals."""
        now = time.monotonic()
        if now - self.last_look < LOOK_INTERVAL:
            return
        self.last_look, nodes = now, self.own_node.nodes()
        self.kept_out |= {id_ for id_, node in nodes.items() if node.is_leaving}
        is_running = any(trial.status == "RUNNING" for trial in trials)
        for line in self.news.describe_changes(nodes, is_running, now):
            self.console.print(line, soft_wrap=True)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """End the sweep if its own node is lost, before another callback takes the killed workers for failures."""
        self.own_node.refresh()
