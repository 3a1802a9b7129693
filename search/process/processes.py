"""The processes that a run started: what is left of them at its end is ended."""

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


def get_run_id() -> str:
    """A name for this process that no other one ever has on this machine."""
    return f"{os.getpid()}.{read_stat(os.getpid())[1]}"


def make_run_environment() -> dict[str, str]:
    """The environment variable by which the processes of this run are known, also when their own parent has died."""
    return {RUN_VARIABLE: get_run_id()}


def find_started_processes(run: str) -> dict[int, int | None]:
    """Every process that a run started, with the time at which it began: numbers are used again. Needs /proc."""
    found = {}
    for process, (_, began) in _list_processes().items():
        with suppress(OSError):  # it has ended, or is somebody else's
            variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            if process != os.getpid() and f"{RUN_VARIABLE}={run}".encode() in variables:
                found[process] = began
    return found


def kill_started_processes(run: str | None = None) -> None:
    """SIGKILL for everything that a run started, this one if none is given; returns when it is gone."""
    found: dict[int, int | None] = {}
    limit = time.monotonic() + KILL_TIMEOUT
    while time.monotonic() < limit:
        more = find_started_processes(run or get_run_id())
        found |= more
        left = [process for process, began in found.items() if _is_running(process, began)]
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if not left and not more:
            return
        time.sleep(0.02)  # then look anew: what has just been killed may have started others before


@contextmanager
def watch_children(names: tuple[str, ...], act: Callable[[str], object]) -> Iterator[None]:
    """Within it, call `act` with the name of a child of this process, one of `names`, as soon as it has ended."""
    children = [process for process, (parent, _) in _list_processes().items() if parent == os.getpid()]
    wanted = {process: name for process in children if (name := _read_name(process)) in names}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_INTERVAL):
            for process, name in wanted.items():
                if not read_stat(process)[1] and not over.is_set():
                    act(name)
                    return

    thread = threading.Thread(target=watch, daemon=True, name="watch of Ray")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _list_processes() -> dict[int, tuple[int, int | None]]:
    return {int(folder.name): read_stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}


def _read_name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _is_running(process: int, began: int | None) -> bool:
    return read_stat(process)[1] == began
