"""The end of a sweep whose cluster lost the own node or the head; without Ray."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest
from ray.tune.schedulers import FIFOScheduler
from rich.console import Console

from search.cluster import own_node
from search.cluster.node_watch import NodeWatchCallback
from search.cluster.own_node import MAX_SILENCE, OwnNodeMonitor, explain_loss
from search.driver.drain import DrainingScheduler
from search.request.resources import Node, ResourceRequest
from tests.paths import ROOT

HEAD, WORKER = Node("head", 1, 0), Node("worker", 2, 1)
ENDS = """
import threading, time
from search.process import signals
with signals.register_teardown(lambda: (time.sleep(0.2), print("taken down", flush=True))):
    for _ in range(2):
        threading.Thread(target=signals.end_now, args=("stopped: gone",), daemon=True).start()
    time.sleep(60)
"""


def test_what_a_sweep_cannot_go_on_without() -> None:
    assert explain_loss(HEAD, True, MAX_SILENCE - 1) is None
    assert "the cluster node head, on which this command runs, is lost" in str(explain_loss(HEAD, False, 0))
    assert "has not answered for 30 seconds" in str(explain_loss(HEAD, True, MAX_SILENCE))


class Cluster:
    """A cluster that answers, raises, or never answers, as Ray does."""

    def __init__(self) -> None:
        self.nodes: Mapping[str, Node] | None = {"h": HEAD, "w": WORKER}
        self.stuck: threading.Event | None = None

    def ask(self) -> Mapping[str, Node]:
        if self.stuck is not None:
            self.stuck.wait()
        if self.nodes is None:
            raise RuntimeError("no answer")
        return self.nodes


def test_the_own_node_alone_ends_the_sweep() -> None:
    cluster, reasons = Cluster(), list[str]()
    monitor = OwnNodeMonitor("h", cluster.ask, reasons.append)
    cluster.nodes = {"h": HEAD}  # a worker node is lost: its stages go on elsewhere
    monitor.refresh()
    assert not reasons and monitor.nodes() == {"h": HEAD}
    cluster.nodes = {"w": WORKER}
    monitor.refresh()
    assert len(reasons) == 1 and "node head" in reasons[0]


def test_errors_are_no_answer_and_end_the_sweep_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(own_node, "time", SimpleNamespace(monotonic=lambda: now[0]))
    cluster, reasons = Cluster(), list[str]()
    monitor = OwnNodeMonitor("h", cluster.ask, reasons.append)
    cluster.nodes = None
    now[0] = MAX_SILENCE - 1
    monitor.refresh()
    assert not reasons
    cluster.nodes = {"h": HEAD}  # it is back
    monitor.refresh()
    cluster.nodes, now[0] = None, now[0] + MAX_SILENCE - 1
    monitor.refresh()
    assert not reasons
    now[0] += 1
    monitor.refresh()
    assert len(reasons) == 1 and "has not answered" in reasons[0]


def test_a_question_that_never_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("REFRESH_INTERVAL", 0.01), ("CHECK_INTERVAL", 0.01), ("MAX_SILENCE", 0.05)):
        monkeypatch.setattr(own_node, name, value)
    cluster, has_ended = Cluster(), threading.Event()
    monitor = OwnNodeMonitor("h", cluster.ask, lambda reason: has_ended.set())
    cluster.stuck = threading.Event()
    with monitor.watch():
        assert has_ended.wait(10)
    cluster.stuck.set()


def test_the_loss_is_looked_for_before_a_trial_counts_as_failed() -> None:
    cluster, reasons = Cluster(), list[str]()
    monitor = OwnNodeMonitor("h", cluster.ask, reasons.append)
    watch = NodeWatchCallback(ResourceRequest(1, 0), monitor, set(), Console(quiet=True))
    cluster.nodes = {"w": WORKER}
    watch.on_trial_error(1, [], None)
    assert len(reasons) == 1


def test_a_node_that_leaves_is_told_once_and_gets_no_more_stages() -> None:
    cluster, screen, kept_out = Cluster(), StringIO(), set[str]()
    monitor = OwnNodeMonitor("h", cluster.ask, lambda reason: None)
    watch = NodeWatchCallback(ResourceRequest(1, 0), monitor, kept_out, Console(file=screen))
    assert not monitor.is_leaving("w") and not monitor.is_leaving(None)
    cluster.nodes = {"h": HEAD, "w": replace(WORKER, is_leaving=True)}
    monitor.refresh()
    for _ in range(2):
        watch.last_look = -60.0
        watch.on_step_begin(1, [])
    assert pickle.dumps(DrainingScheduler(FIFOScheduler(), monitor.is_leaving)), "Tune does that"  # type: ignore[no-untyped-call]
    assert monitor.is_leaving("w") and kept_out == {"w"}
    assert screen.getvalue().count("node worker will be taken away") == 1


def test_two_threads_that_find_the_loss_end_the_run_once() -> None:
    process = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (process.returncode, process.stdout) == (130, "taken down\n")
    assert process.stderr.startswith("stopped: gone. Nothing finished is lost; to continue: ")
    assert process.stderr.count("to continue") == 1
