"""Keeps `sweep.json` up to date with the keys that belong to the sweep, at a bounded share of the driver's time."""

from collections.abc import Mapping

from search.board.board import Board
from search.request.request import SweepRequest
from search.sweep.sweep_file import read_sweep, write_sweep
from search.sweep.throttle import Throttle

MIN_WRITE_INTERVAL = 2.0  # seconds between updates


class SweepManifest:
    """The keys known so far, with their strata: those that the file had at the start, and those of the board."""

    def __init__(self, request: SweepRequest, board: Board) -> None:
        self.request, self.board = request, board
        record = read_sweep(request.context.results, request.name)
        self.stratum_by_key: dict[str, str] = {} if record is None else dict(record["stages"])
        self._written_decisions: Mapping[str, object] = {}
        self._throttle = Throttle(MIN_WRITE_INTERVAL)

    def write_if_due(self) -> None:
        """Write news if enough time has passed since the last update."""
        if self._throttle.is_due:
            self.write(only_news=True)

    def write(self, *, only_news: bool = False) -> None:
        """Write the file; with `only_news` only if there is a new key or decision."""
        with self._throttle.timed():
            board, request, known = self.board, self.request, len(self.stratum_by_key)
            self.stratum_by_key |= {arm.stage.key: stratum.id for stratum, arm in board.iter_arms()}
            decided = {} if board.race is None else board.race.decisions
            if not only_news or len(self.stratum_by_key) > known or decided != self._written_decisions:
                self._written_decisions = decided
                write_sweep(
                    request.context.results,
                    request.name,
                    spec=request.spec,
                    stages=self.stratum_by_key,
                    sources=request.provenance,
                    repositories=request.repositories,
                    strata=request.whole_plan
                    or [state.stratum for state in board.states.values() if not state.is_decided],
                    decided=decided,
                    packages=request.context.packages,
                )
