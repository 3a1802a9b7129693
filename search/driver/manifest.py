"""Keeps `sweep.json` up to date with the keys that belong to the sweep, at a bounded share of the driver's time."""

import time
from collections.abc import Mapping

from search.board.board import Board
from search.request.request import SweepRequest
from search.sweep.estimate import throttle_delay
from search.sweep.sweep_file import read_sweep, write_sweep

MIN_WRITE_INTERVAL = 2.0  # seconds between updates, at least


class SweepManifest:
    """The keys that are known so far, with their strata: those of the file as it was, and those of the board."""

    def __init__(self, request: SweepRequest, board: Board) -> None:
        self.request, self.board = request, board
        old = read_sweep(request.context.results, request.name)
        self.stratum_by_key: dict[str, str] = {} if old is None else dict(old["stages"])
        self._written_decisions: Mapping[str, object] = {}  # by a race, as it was written last
        self._next_write = 0.0  # when it may be written again

    def write_if_due(self) -> None:
        """Write what is new, if the last time is long enough ago."""
        if time.monotonic() >= self._next_write:
            self._update(force=False)

    def write(self) -> None:
        """Write all keys that are known."""
        self._update(force=True)

    def _update(self, *, force: bool) -> None:
        began, known, board, request = time.monotonic(), len(self.stratum_by_key), self.board, self.request
        self.stratum_by_key |= {arm.stage.key: stratum.id for stratum, arm in board.iter_arms()}
        decided = {} if board.race is None else board.race.decisions
        if force or len(self.stratum_by_key) > known or decided != self._written_decisions:
            self._written_decisions = decided
            strata = [group.stratum for group in board.states.values() if not group.is_decided]
            planned = {one.id: {"arms": one.arm_count, "parent": one.parent} for one in strata}
            write_sweep(
                request.context.results,
                request.name,
                request.spec,
                self.stratum_by_key,
                request.provenance,
                planned,
                decided,
            )
        ended = time.monotonic()
        self._next_write = ended + throttle_delay(ended - began, minimum=MIN_WRITE_INTERVAL)
