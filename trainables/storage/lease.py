"""A lock where the storage has none: a small file that its holder changes every few seconds.

Whoever finds it changing waits. Whoever has seen it unchanged for LOST seconds of his own clock takes it: clocks of
different machines are never compared, and one that jumps does no harm. Two that take it in the same moment both look
again after SETTLE seconds, and the last one that wrote has it. That is no proof against every delay, which is why
stages write the same bytes whoever writes them.
"""

import json
import os
import platform
import threading
import time
import uuid
from typing import TYPE_CHECKING

from trainables.storage.base import LockedError, write_text
from trainables.worker.process import is_process_alive

if TYPE_CHECKING:
    from trainables.storage.base import Storage

RENEW_SECONDS = 5.0  # seconds between changes
EXPIRY_SECONDS = 30.0  # seconds without a change after which the holder is taken for dead
SETTLE_SECONDS = 0.5


class Lease:
    """A lease that is held, and renewed by a thread, until it is released or its process ends."""

    def __init__(self, storage: "Storage", name: str, wait: float = 0.0) -> None:
        """Take the lease; raises LockedError if somebody else still renews it after `wait` seconds (and LOST)."""
        self.storage, self.name, self.renewals = storage, name, 0
        self.id = uuid.uuid4().hex
        self._acquire(max(wait, EXPIRY_SECONDS))
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True, name=f"lease {name}")
        self._thread.start()

    def release(self) -> None:
        """Stop renewing and remove the file, if it is still ours."""
        self._released.set()
        self._thread.join()
        if self._read_holder().get("id") == self.id:
            self.storage.remove(self.name)

    def _acquire(self, wait: float) -> None:
        end = time.monotonic() + wait
        seen, since = self._read_holder(), time.monotonic()
        while True:
            now = time.monotonic()
            if not seen or _is_holder_dead(seen) or now - since >= EXPIRY_SECONDS:
                self._write_holder()
                time.sleep(SETTLE_SECONDS)
                if self._read_holder().get("id") == self.id:
                    return
            elif now >= end:
                raise LockedError(f"process {seen.get('process')} on {seen.get('host')}")
            time.sleep(min(1.0, RENEW_SECONDS / 5))
            found = self._read_holder()
            if found != seen:
                seen, since = found, time.monotonic()

    def _renew(self) -> None:
        while not self._released.wait(RENEW_SECONDS):
            try:
                if self._read_holder().get("id") != self.id:
                    return  # taken for dead, e.g. after a long sleep of the machine: what follows is idempotent
                self.renewals += 1
                self._write_holder()
            except OSError:  # the storage does not answer for a moment: the next beat tries again
                continue

    def _write_holder(self) -> None:
        holder = {"id": self.id, "process": os.getpid(), "host": platform.node(), "beat": self.renewals}
        write_text(self.storage, self.name, json.dumps(holder))

    def _read_holder(self) -> dict[str, object]:
        try:
            found = json.loads(self.storage.read(self.name) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def _is_holder_dead(holder: dict[str, object]) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    process = holder.get("process")
    return holder.get("host") == platform.node() and isinstance(process, int) and not is_process_alive(process)
