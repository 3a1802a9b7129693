"""The end of a run that gets signals. Each case is a process of its own, as a signal goes to a whole process."""

import signal
import subprocess
import sys

import pytest

from search.process.signals import FINISHING_MESSAGE, REPEAT_WINDOW
from spaces.errors import ExitCode
from tests.paths import ROOT

PRELUDE = """
import signal, sys, time
from search.process import signals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, and what it starts inherits that
signals.install()
def ready():
    print("ready", flush=True)
"""


def start(body: str, **options: object) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + body, "--seeds", "0 1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,  # type: ignore[call-overload]
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_stages_run_it_ends_at_once_and_names_the_command(number: signal.Signals) -> None:
    process = start("ready(); time.sleep(60)")
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
    assert err.count("interrupted") == 1 and err.startswith("interrupted") and err.endswith("--seeds '0 1'\n")


def test_while_stages_run_the_first_one_only_asks() -> None:
    body = "\nwith signals.defer_stop():\n    ready(); time.sleep(0.5)\n    print(signals.is_stop_requested())"
    process = start(body)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "True\n", f"{FINISHING_MESSAGE}\n")


@pytest.mark.parametrize(("pause", "code"), [(REPEAT_WINDOW / 5, 0), (REPEAT_WINDOW * 1.5, ExitCode.INTERRUPTED)])
def test_the_second_one_ends_it_unless_it_is_an_echo_of_the_first(pause: float, code: int) -> None:
    send = f"signal.raise_signal(signal.SIGINT); time.sleep({pause}); signal.raise_signal(signal.SIGINT)"
    process = start(f"\nready()\nwith signals.defer_stop():\n    {send}")
    _, err = process.communicate()
    assert process.returncode == code and "Traceback" not in err


def test_what_was_started_is_taken_down_last_first() -> None:
    body = """
ready()
with signals.register_teardown(lambda: print("folder", file=sys.stderr)):
    with signals.register_teardown(lambda: print("gone", file=sys.stderr)):
        pass
    with signals.register_teardown(lambda: print("processes", file=sys.stderr)):
        signal.raise_signal(signal.SIGTERM)
"""
    _, err = start(body).communicate()
    assert err.split()[:3] == ["processes", "folder", "interrupted."]


def test_a_closed_terminal_ends_it_without_a_reader() -> None:
    body = "\nwith signals.defer_stop():\n    ready(); time.sleep(0.5)\n    print('nobody reads this')"
    process = start(body)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "", "")


def test_what_is_ignored_stays_ignored() -> None:  # nohup, and jobs that a script starts behind
    process = start("\nready(); time.sleep(0.3)", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0


def test_a_signal_that_is_kept_from_children_comes_later() -> None:
    body = """
import subprocess
with signals.hide_from_children(signal.SIGHUP):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    signal.raise_signal(signal.SIGHUP)
    child.send_signal(signal.SIGHUP)
    print("ready", child.wait(), file=sys.stdout, flush=True) or ready()
"""
    command = [sys.executable, "-c", PRELUDE + body]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert process.returncode == ExitCode.INTERRUPTED and process.stdout.startswith("ready 0")
