"""The processes that a run started: those that are left at its end are killed."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainables.worker.process import read_stat

RUN_VARIABLE = "TRANSFER_SEARCH_RUN"
KILL_TIMEOUT = 2.0  # seconds for killed processes to be gone
WATCH_INTERVAL = 0.5  # seconds
START_INTERVAL = 0.2  # seconds, while a start is watched


def get_run_id() -> str:
    """Return a name for this process that no other process ever has on this machine."""
    return f"{os.getpid()}.{read_stat(os.getpid())[1]}"


def make_run_environment() -> dict[str, str]:
    """Return the environment variable that marks the processes of this run, even after their parent has died."""
    return {RUN_VARIABLE: get_run_id()}


def find_started_processes(run_id: str) -> dict[int, int | None]:
    """Return the processes that a run started, with their start times, as process ids are reused. Needs /proc."""
    started = {}
    for process, (_, start_time) in _list_processes().items():
        with suppress(OSError):  # it has ended, or belongs to another user
            variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            if process != os.getpid() and f"{RUN_VARIABLE}={run_id}".encode() in variables:
                started[process] = start_time
    return started


def kill_started_processes(run_id: str | None = None) -> None:
    """Kill every process that a run (default: this one) started; return when all are gone, or after KILL_TIMEOUT."""
    known: dict[int, int | None] = {}
    deadline = time.monotonic() + KILL_TIMEOUT
    while time.monotonic() < deadline:
        started = find_started_processes(run_id or get_run_id())
        known |= started
        alive = [process for process, start_time in known.items() if read_stat(process)[1] == start_time]
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if not alive and not started:
            return
        time.sleep(0.02)  # then search again: a killed process may have started others before


@contextmanager
def watch_children(names: tuple[str, ...], act: Callable[[str], object]) -> Iterator[None]:
    """Within the context, call `act` with the name of a child of this process, one of `names`, once it has ended."""
    watched = _find_children(names)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(WATCH_INTERVAL):
            for process, name in watched.items():
                if not read_stat(process)[1] and not is_over.is_set():
                    act(name)
                    return

    thread = threading.Thread(target=watch, daemon=True, name="watch of Ray")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def watch_start(names: tuple[str, ...], timeout: float, fail: Callable[[str], object]) -> Iterator[None]:
    """Within the context, call `fail` once, with a reason: after `timeout`, or if a child, one of `names`, has ended.

    The children need not exist yet.
    """
    deadline, is_over = time.monotonic() + timeout, threading.Event()

    def watch() -> None:
        seen: dict[int, str] = {}
        while not is_over.wait(START_INTERVAL):
            seen |= _find_children(names)
            ended = next((name for process, name in seen.items() if not read_stat(process)[1]), None)
            reason = f"{ended} ended" if ended else f"not up after {timeout:.0f} seconds"
            if (ended or time.monotonic() > deadline) and not is_over.is_set():
                fail(reason)
                return

    thread = threading.Thread(target=watch, daemon=True, name="watch of the start of Ray")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _find_children(names: tuple[str, ...]) -> dict[int, str]:
    """Return the children of this process that have one of `names`; also those that have ended and left a zombie."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            head, _, fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
            name = head.partition("(")[2]
            if name in names and int(fields.split()[1]) == os.getpid():
                children[int(folder.name)] = name
    return children


def _list_processes() -> dict[int, tuple[int, int | None]]:
    """Return the parent and the start time of every process."""
    return {int(folder.name): read_stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
