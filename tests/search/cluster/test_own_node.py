"""When a sweep on a cluster has lost what it cannot go on without, and how it then ends; without Ray."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from rich.console import Console

from search.cluster import own_node
from search.cluster.node_watch import NodeWatchCallback
from search.cluster.own_node import MAX_SILENCE, OwnNodeMonitor, explain_loss
from search.request.resources import Node, ResourceRequest
from tests.paths import ROOT

HEAD, WORKER = Node("head", 1, 0), Node("worker", 2, 1)
ENDS = """
import threading, time
from search.process import signals
with signals.taken_down(lambda: (time.sleep(0.2), print("taken down", flush=True))):
    for _ in range(2):
        threading.Thread(target=signals.end_now, args=("stopped: gone",), daemon=True).start()
    time.sleep(60)
"""


def test_what_a_sweep_cannot_go_on_without() -> None:
    assert explain_loss(HEAD, True, MAX_SILENCE - 1) is None
    assert "node head of the cluster, on which this command runs, is lost" in str(explain_loss(HEAD, False, 0))
    assert "has not answered for 30 seconds" in str(explain_loss(HEAD, True, MAX_SILENCE))


class Cluster:
    """Answers, says nothing, or never comes back, as Ray does."""

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
    cluster, told = Cluster(), list[str]()
    own = OwnNodeMonitor("h", cluster.ask, told.append)
    cluster.nodes = {"h": HEAD}  # a worker node is lost: its stages go on elsewhere
    own.refresh()
    assert not told and own.nodes() == {"h": HEAD}
    cluster.nodes = {"w": WORKER}
    own.refresh()
    assert len(told) == 1 and "node head" in told[0]


def test_errors_are_no_answer_and_end_the_sweep_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(own_node, "time", SimpleNamespace(monotonic=lambda: now[0]))
    cluster, told = Cluster(), list[str]()
    own = OwnNodeMonitor("h", cluster.ask, told.append)
    cluster.nodes = None
    now[0] = MAX_SILENCE - 1
    own.refresh()
    assert not told
    cluster.nodes = {"h": HEAD}  # it is back
    own.refresh()
    cluster.nodes, now[0] = None, now[0] + MAX_SILENCE - 1
    own.refresh()
    assert not told
    now[0] += 1
    own.refresh()
    assert len(told) == 1 and "has not answered" in told[0]


def test_a_question_that_never_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("EVERY", 0.01), ("JUDGE_EVERY", 0.01), ("SILENCE", 0.05)):
        monkeypatch.setattr(own_node, name, value)
    cluster, told = Cluster(), threading.Event()
    own = OwnNodeMonitor("h", cluster.ask, lambda why: told.set())
    cluster.stuck = threading.Event()
    with own.watch():
        assert told.wait(10)
    cluster.stuck.set()


def test_the_loss_is_looked_for_before_a_trial_counts_as_failed() -> None:
    cluster, told = Cluster(), list[str]()
    watch = NodeWatchCallback(
        ResourceRequest(1, 0), OwnNodeMonitor("h", cluster.ask, told.append), lambda new: [], Console(quiet=True)
    )
    cluster.nodes = {"w": WORKER}
    watch.on_trial_error(1, [], None)
    assert len(told) == 1


def test_two_threads_that_find_the_loss_end_the_run_once() -> None:
    process = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (process.returncode, process.stdout) == (130, "taken down\n")
    assert process.stderr.startswith("stopped: gone, and nothing finished is lost; to continue: ")
    assert process.stderr.count("to continue") == 1
