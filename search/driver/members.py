"""Keeps `sweep.json` up to date with the keys that belong to the sweep, at a bounded share of the driver's time."""

import time
from collections.abc import Mapping

from search.board.board import Board
from search.request.request import Request
from search.sweep.estimate import rest
from search.sweep.sweep import read_sweep, write_sweep

WRITE_EVERY = 2.0  # seconds between updates, at least


class Members:
    """The keys that are known so far, with their strata: those of the file as it was, and those of the board."""

    def __init__(self, request: Request, board: Board) -> None:
        self.request, self.board = request, board
        old = read_sweep(request.place.results, request.name)
        self.stages: dict[str, str] = {} if old is None else dict(old["stages"])
        self._decided: Mapping[str, object] = {}  # by a race, as it was written last
        self._next = 0.0  # when it may be written again

    def changed(self) -> None:
        """Write what is new, if the last time is long enough ago."""
        if time.monotonic() >= self._next:
            self._update(anyway=False)

    def write(self) -> None:
        """Write all keys that are known."""
        self._update(anyway=True)

    def _update(self, *, anyway: bool) -> None:
        began, known, board, request = time.monotonic(), len(self.stages), self.board, self.request
        self.stages |= {arm.stage.key: stratum.id for stratum, arm in board.arms()}
        decided = {} if board.seeds is None else board.seeds.record
        if anyway or len(self.stages) > known or decided != self._decided:
            self._decided = decided
            strata = [group.stratum for group in board.groups.values() if not group.decided]
            planned = {one.id: {"arms": one.arms, "parent": one.parent} for one in strata}
            write_sweep(
                request.place.results, request.name, request.spec, self.stages, request.sources, planned, decided
            )
        ended = time.monotonic()
        self._next = ended + rest(ended - began, least=WRITE_EVERY)
