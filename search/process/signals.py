"""Signals that ask the run to end: Ctrl-C, SIGTERM, a closed terminal. It ends with exit code 130, and never loudly.

While stages run, the first one lets each finish its tenth, so that nothing is lost. The second one, or the first at
any other moment, ends the run at once: the results are whole at every moment, so all there is to do is to take down
what was started. Python would raise KeyboardInterrupt instead, at an arbitrary line, inside Ray or a half-done import:
some of them swallow it, others print tracebacks.
"""

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPEAT_WINDOW = (
    0.5  # seconds in which a repeated signal is the same request: timeout(1) and closing terminals send it twice
)
FINISHING_MESSAGE = "interrupted: finishing the running tenths, again to stop at once"
SHOW_CURSOR = "\x1b[?25h"  # the live display hides it


@dataclass(slots=True)
class _StopState:
    """What this process knows of its end. There is one, as signals go to the process."""

    is_installed: bool = False
    is_deferred: bool = False  # stages run: let them finish their tenth
    requested_at: float | None = None  # when the first signal came
    teardowns: list[Callable[[], object]] = field(default_factory=list)


_state = _StopState()
_exit_lock = threading.RLock()  # a thread that watches may find a reason while another one is ending the run


def install() -> None:
    """Take the signals. One that is ignored stays so: nohup and shells that start jobs behind want it."""
    _state.is_installed = True
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle_signal)


def reinstall() -> None:
    """Take the signals back from a library that took them, if they were ours."""
    if _state.is_installed:
        install()


def is_stop_requested() -> bool:
    """Whether the run was asked to end: nothing more may be started."""
    return _state.requested_at is not None


@contextmanager
def defer_stop() -> Iterator[None]:
    """Within it the first signal only makes `asked` true."""
    _state.is_deferred = True
    try:
        yield
    finally:
        _state.is_deferred = False


@contextmanager
def hide_from_children(number: signal.Signals) -> Iterator[None]:
    """Processes that are started within it never see the signal; this one sees it at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def register_teardown(act: Callable[[], object]) -> Iterator[None]:
    """Within it, `act` is called before the run ends at once."""
    _state.teardowns.append(act)
    try:
        yield
    finally:
        _state.teardowns.remove(act)


def end_now(why: str = "interrupted") -> NoReturn:
    """Take down what was started, say how to continue, and end: no `finally`, no `atexit`, no word of any library."""
    with _exit_lock:
        for act in reversed(_state.teardowns):
            act()
        _write_line((SHOW_CURSOR if os.isatty(2) else "") + format_resume_message(why))
        os._exit(INTERRUPTED)


def format_resume_message(why: str = "interrupted") -> str:
    """The line that a run which was interrupted ends with."""
    return f"{why}, and nothing finished is lost; to continue: {shlex.join(sys.orig_argv)}"


def _handle_signal(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if number == signal.SIGHUP:  # nobody reads any more, and a write would fail
        _redirect_to_null()
    if _state.requested_at is not None and now - _state.requested_at < REPEAT_WINDOW:
        return
    first, _state.requested_at = _state.requested_at is None, now
    if not (first and _state.is_deferred):
        end_now()
    _write_line(FINISHING_MESSAGE)


def _write_line(line: str) -> None:
    """Write past Python's buffers: the signal may have come in the middle of another write to them."""
    start = "\n" if os.isatty(2) else ""  # the terminal shows ^C without a line end
    try:
        os.write(2, f"{start}{line}\n".encode())
    except OSError:  # no reader is left
        _redirect_to_null()


def _redirect_to_null() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(nowhere, number)
