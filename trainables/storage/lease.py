"""Leases, the locks of storage that has none: small files that their holders change every few seconds.

A process that sees the file change waits. A process that has seen it unchanged for EXPIRY_SECONDS of its own clock
takes the lease: clocks of different machines are never compared, and a clock that jumps does no harm. If two processes
take it at the same time, both read it again after SETTLE_SECONDS, and the last writer has it. A long delay can defeat
this, which is why stages write the same bytes whichever process writes them.
"""

import json
import os
import platform
import threading
import time
import uuid

from trainables.storage.base import LockedError, Storage, write_text
from trainables.worker.process import is_process_alive

RENEW_SECONDS = 5.0  # between changes
EXPIRY_SECONDS = 30.0  # without a change, after which the holder counts as dead
SETTLE_SECONDS = 0.5


class Lease:
    """A lease, renewed by a thread until it is released or its process ends."""

    def __init__(self, storage: Storage, name: str, wait: float = 0.0) -> None:
        """Take the lease, waiting up to `wait` seconds, or EXPIRY_SECONDS if that is longer.

        Raises LockedError if another process still renews it then.
        """
        self.storage, self.name, self.renewals = storage, name, 0
        self.id = uuid.uuid4().hex
        self._acquire(max(wait, EXPIRY_SECONDS))
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True, name=f"lease {name}")
        self._thread.start()

    def release(self) -> None:
        """Stop renewing, and remove the file if it is still this lease's."""
        self._released.set()
        self._thread.join()
        if self._read_holder().get("id") == self.id:
            self.storage.remove(self.name)

    def _acquire(self, wait: float) -> None:
        holder, unchanged_since = self._read_holder(), time.monotonic()
        deadline = unchanged_since + wait  # never before a dead holder's lease expires
        while True:
            now = time.monotonic()
            if not holder or _is_holder_dead(holder) or now - unchanged_since >= EXPIRY_SECONDS:
                self._write_holder()
                time.sleep(SETTLE_SECONDS)
                if self._read_holder().get("id") == self.id:
                    return
            elif now >= deadline:
                raise LockedError(f"process {holder.get('process')} on {holder.get('host')}")
            time.sleep(min(1.0, RENEW_SECONDS / 5))
            current = self._read_holder()
            if current != holder:
                holder, unchanged_since = current, time.monotonic()

    def _renew(self) -> None:
        while not self._released.wait(RENEW_SECONDS):
            try:
                if self._read_holder().get("id") != self.id:
                    return  # another process took the lease, e.g. while this machine slept: later writes are harmless
                self.renewals += 1
                self._write_holder()
            except OSError:  # the storage does not answer: the next renewal tries again
                continue

    def _write_holder(self) -> None:
        holder = {"id": self.id, "process": os.getpid(), "host": platform.node(), "beat": self.renewals}
        write_text(self.storage, self.name, json.dumps(holder))

    def _read_holder(self) -> dict[str, object]:
        try:
            holder = json.loads(self.storage.read(self.name) or b"{}")
        except ValueError:
            return {}
        return holder if isinstance(holder, dict) else {}


def _is_holder_dead(holder: dict[str, object]) -> bool:
    """Return True if the holder was a process of this machine that has ended."""
    pid = holder.get("process")
    return holder.get("host") == platform.node() and isinstance(pid, int) and not is_process_alive(pid)
