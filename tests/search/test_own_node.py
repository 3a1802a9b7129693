"""When a sweep on a cluster has lost what it cannot go on without, and how it then ends; without Ray."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from search import own_node
from search.node_watch import NodeWatch
from search.own_node import SILENCE, STOPPED, OwnNode, loss
from search.slots import Ask, Node

ROOT = Path(__file__).resolve().parents[2]
HEAD, WORKER = Node("head", 1, 0), Node("worker", 2, 1)
ENDS = """
import sys, threading, time
from search import signals
from search.own_node import Ending
ending = Ending()
with signals.taken_down(ending.act), signals.taken_down(lambda: print("taken down", flush=True)):
    threads = [threading.Thread(target=ending.end, args=("stopped: gone",), daemon=True) for _ in range(2)]
    if sys.argv[1] == "lost":
        for thread in threads: thread.start()
        time.sleep(60)
    signals.end_now()
"""


def test_what_a_sweep_cannot_go_on_without() -> None:
    assert loss(HEAD, True, SILENCE - 1) is None
    assert "node head of the cluster, on which this command runs, is lost" in str(loss(HEAD, False, 0))
    assert "has not answered for 30 seconds" in str(loss(HEAD, True, SILENCE))


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
    own = OwnNode("h", cluster.ask, told.append)
    cluster.nodes = {"h": HEAD}  # a worker node is lost: its stages go on elsewhere
    own.look()
    assert not told and own.nodes() == {"h": HEAD}
    cluster.nodes = {"w": WORKER}
    own.look()
    assert len(told) == 1 and "node head" in told[0]


def test_errors_are_no_answer_and_end_the_sweep_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(own_node, "time", SimpleNamespace(monotonic=lambda: now[0]))
    cluster, told = Cluster(), list[str]()
    own = OwnNode("h", cluster.ask, told.append)
    cluster.nodes = None
    now[0] = SILENCE - 1
    own.look()
    assert not told
    cluster.nodes = {"h": HEAD}  # it is back
    own.look()
    cluster.nodes, now[0] = None, now[0] + SILENCE - 1
    own.look()
    assert not told
    now[0] += 1
    own.look()
    assert len(told) == 1 and "has not answered" in told[0]


def test_a_question_that_never_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("EVERY", 0.01), ("JUDGE_EVERY", 0.01), ("SILENCE", 0.05)):
        monkeypatch.setattr(own_node, name, value)
    cluster, told = Cluster(), threading.Event()
    own = OwnNode("h", cluster.ask, lambda why: told.set())
    cluster.stuck = threading.Event()
    with own.watched():
        assert told.wait(10)
    cluster.stuck.set()


def test_the_loss_is_looked_for_before_a_trial_counts_as_failed() -> None:
    cluster, told = Cluster(), list[str]()
    watch = NodeWatch(Ask(1, 0), OwnNode("h", cluster.ask, told.append), lambda new: [], Console(quiet=True))
    cluster.nodes = {"w": WORKER}
    watch.on_trial_error(1, [], None)
    assert len(told) == 1


@pytest.mark.parametrize(("how", "code", "said"), [("lost", STOPPED, "stopped: gone"), ("asked", 130, "interrupted")])
def test_the_end_has_one_line_and_a_code_of_its_own(how: str, code: int, said: str) -> None:
    process = subprocess.run([sys.executable, "-c", ENDS, how], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (process.returncode, process.stdout) == (code, "taken down\n")
    assert process.stderr.startswith(f"{said}, and nothing finished is lost; to continue: ")
    assert process.stderr.count("to continue") == 1  # two threads may find the loss at once
