"""Signals that ask the run to end: Ctrl-C, SIGTERM, a closed terminal. The run ends with exit code 130.

While stages run, the first signal lets each of them finish its tenth, so that nothing is lost. A second signal, or the
first at any other time, ends the run at once. The results are complete at every moment, so only what the run started
has to be taken down. Python's KeyboardInterrupt would come at an arbitrary line instead, inside Ray or a half-done
import: some of these swallow it, others print tracebacks.
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

from spaces.errors import ExitCode
from spaces.streams import discard_output

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds in which a second signal counts as the first one: timeout(1) and closing terminals send it twice.
REPEAT_WINDOW = 0.5
FINISHING_MESSAGE = "interrupted: finishing the running tenths; interrupt again to stop at once"
SHOW_CURSOR = "\x1b[?25h"  # the live display hides it


@dataclass(slots=True)
class _StopState:
    """The state of this process's end. There is one, as signals go to the process."""

    is_installed: bool = False
    is_deferred: bool = False  # stages run: let them finish their tenth
    requested_at: float | None = None  # time of the first signal, or of `request_stop`
    reason: str = "interrupted"
    teardowns: list[Callable[[], object]] = field(default_factory=list)


_state = _StopState()
_exit_lock = threading.RLock()  # a watching thread may end the run while another one is ending it


def install() -> None:
    """Handle the signals, except those that are ignored already: nohup and background jobs rely on that."""
    _state.is_installed = True
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle_signal)


def reinstall() -> None:
    """Take the signals back from a library that replaced the handlers, if they were installed."""
    if _state.is_installed:
        install()


def is_stop_requested() -> bool:
    """Return True once the run was asked to end: nothing more may be started."""
    return _state.requested_at is not None


def request_stop(reason: str, *, is_quiet: bool = False) -> None:
    """Ask the run to end as the first signal does, for a reason that is said now (unless quiet) and at the end."""
    if _state.requested_at is None:
        _state.requested_at, _state.reason = time.monotonic(), reason
        if not is_quiet:
            _write_line(f"{reason}: finishing the running tenths; interrupt to stop at once")


def read_stop_reason() -> str:
    """Return why the run ends, `interrupted` after a signal."""
    return _state.reason


@contextmanager
def defer_stop() -> Iterator[None]:
    """Within the context the first signal only makes `is_stop_requested` true."""
    _state.is_deferred = True
    try:
        yield
    finally:
        _state.is_deferred = False


@contextmanager
def hide_from_children(number: signal.Signals) -> Iterator[None]:
    """Hide a signal from processes that are started within the context; this process gets it at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def register_teardown(teardown: Callable[[], object]) -> Iterator[None]:
    """Within the context, call `teardown` before the run ends at once."""
    _state.teardowns.append(teardown)
    try:
        yield
    finally:
        _state.teardowns.remove(teardown)


def end_now(reason: str = "interrupted", code: ExitCode = ExitCode.INTERRUPTED) -> NoReturn:
    """Run the teardowns, last registered first, print how to continue, and exit, without any `finally` or `atexit`."""
    with _exit_lock:
        for teardown in reversed(_state.teardowns):
            teardown()
        _write_line((SHOW_CURSOR if os.isatty(2) else "") + format_resume_message(reason))
        os._exit(code)


def format_resume_message(reason: str = "interrupted") -> str:
    """Return the last line of an interrupted run: the reason, and the command that continues."""
    stop = "" if reason.endswith((".", "?")) else "."
    return f"{reason}{stop} Nothing finished is lost; to continue: {shlex.join(sys.orig_argv)}"


def _handle_signal(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if number == signal.SIGHUP:  # the terminal is gone, and a write would fail
        discard_output(1, 2)
    if _state.requested_at is not None and now - _state.requested_at < REPEAT_WINDOW:
        return
    is_first, _state.requested_at = _state.requested_at is None, now
    if not (is_first and _state.is_deferred):
        end_now()
    _write_line(FINISHING_MESSAGE)


def _write_line(line: str) -> None:
    """Write past Python's buffers, as the signal may have come in the middle of another write to them."""
    start = "\n" if os.isatty(2) else ""  # the terminal shows ^C without a line end
    try:
        os.write(2, f"{start}{line}\n".encode())
    except OSError:  # no reader is left
        discard_output(1, 2)
