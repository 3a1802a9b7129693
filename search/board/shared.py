"""Phases and targets whose trainings are the same work, among the states of a board."""

from collections import defaultdict
from collections.abc import Mapping

from search.board.arms import StratumState


class SharedTrainings:
    """The phase of each target that is trained alike, and the targets of each phase."""

    def __init__(self, states: Mapping[str, StratumState], shared: Mapping[str, str]) -> None:
        """`shared` has the phase's stratum by the target's, both by id."""
        self._phases = {target: states[phase] for target, phase in shared.items()}
        self._targets: defaultdict[str, list[StratumState]] = defaultdict(list)
        for target, phase in shared.items():
            self._targets[phase].append(states[target])

    def find_phase(self, state: StratumState) -> StratumState | None:
        """Return the phase that is trained as a target is; None if there is none."""
        return self._phases.get(state.stratum.id)

    def list_targets(self, state: StratumState) -> list[StratumState]:
        """Return the targets that are trained as a phase is."""
        return self._targets.get(state.stratum.id, [])
