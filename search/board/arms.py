"""Arms that compete in a stratum, the state of the stratum, and the choice of its winner."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spaces.columns import Status
from spaces.plan import Stratum
from spaces.stage import TENTHS, Stage
from trainables.record.outcome import Outcome


@dataclass(slots=True)
class Arm:
    """An arm of a stratum: its stage, and the stage's outcome once it has ended."""

    index: int
    stage: Stage
    outcome: Outcome | None = None
    is_running: bool = False
    is_waiting: bool = False  # at a rung, until the other arms have reached it
    steps: int = 0  # trained when early stopping ended a trial of the stage
    tenth: int = 0  # reached by then
    seconds: float = 0.0  # spent by then
    stopped_outcome: Outcome | None = None  # read from disk; the stage was stopped, perhaps by another sweep
    is_reused: bool = False  # had ended before this start
    is_retry: bool = False  # had failed before this start, and runs again from the beginning

    @property
    def can_start(self) -> bool:
        """True if the stage has not ended, does not run and does not wait at a rung."""
        return self.outcome is None and not self.is_running and not self.is_waiting

    @property
    def is_measured(self) -> bool:
        """True for a phase that waits: only a preview lets one wait, once it was measured."""
        return self.is_waiting and self.stage.kind == "intermediate"

    @property
    def status(self) -> Status | None:
        """The status of the outcome; None before the stage has ended."""
        return None if self.outcome is None else self.outcome.status


@dataclass(slots=True, eq=False)
class StratumState:
    """The state of a stratum, linked to its parent and to the children that start from its winner."""

    stratum: Stratum
    parent: "StratumState | None" = field(default=None, repr=False)
    merged: list["StratumState"] = field(default_factory=list, repr=False)
    children: list["StratumState"] = field(default_factory=list, repr=False)
    arms: list[Arm] = field(default_factory=list)
    is_open: bool = False
    has_begun: bool = False  # an arm was started, or waits at a rung
    is_settled: bool = False
    winner: Arm | None = None
    unreachable_reason: str | None = None  # why no arm can ever start
    is_decided: bool = False  # its chain was decided before this seed: no arm will start

    @property
    def kind_and_task(self) -> tuple[str, str]:
        """Kind and task of the stratum's stages."""
        return self.stratum.kind, self.stratum.task

    @property
    def intermediate(self) -> str:
        """The intermediate task of the stratum's chain."""
        return self.stratum.intermediate

    @property
    def arm_count(self) -> int:
        """The number of arms that the plan has."""
        return self.stratum.arm_count

    @property
    def ended_arms(self) -> list[Arm]:
        """The arms that have an outcome."""
        return [arm for arm in self.arms if arm.outcome is not None]

    @property
    def is_complete(self) -> bool:
        """True if every arm has ended."""
        return len(self.arms) == self.arm_count and all(arm.outcome for arm in self.arms)

    @property
    def sources(self) -> list["StratumState"]:
        """The strata whose winners the arms start from: the parent, and the members of a merge."""
        return self.merged if self.parent is None else [self.parent, *self.merged]

    @property
    def parent_key(self) -> str | None:
        """The key of the stage whose encoder the arms start from; the parent must be settled with a winner."""
        if self.parent is None:
            return None
        assert self.parent.winner is not None
        return self.parent.winner.stage.key

    @property
    def merged_keys(self) -> list[str]:
        """The keys of the stages whose encoders a merge averages; the members must be settled with winners."""
        return [member.winner.stage.key for member in self.merged if member.winner is not None]


def build_states(plan: Sequence[Stratum]) -> dict[str, StratumState]:
    """Return the states of a plan's strata by id. The plan must list parents before their children."""
    states: dict[str, StratumState] = {}
    for stratum in plan:
        parent = None if stratum.parent is None else states[stratum.parent]
        state = states[stratum.id] = StratumState(stratum, parent, [states[member] for member in stratum.merged])
        for source in state.sources:
            source.children.append(state)
    return states


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


def choose_winner(arms: Sequence[Arm]) -> Arm | None:
    """Return the finished arm with the best English dev score; of equal scores, the one with the lowest rate.

    Stopped and failed arms never win. A degenerate arm wins only if no arm finished and it was trained to the end, so
    that the chain can be inspected; its status stays in every score row.
    """
    for status in ("finished", "degenerate"):
        usable = [arm for arm in arms if arm.outcome and arm.outcome.status == status and arm.outcome.tenth == TENTHS]
        if usable:
            return max(usable, key=lambda arm: (_dev_score_of(arm), -(arm.stage.learning_rate or 0.0)))
    return None


def explain_unreachable(parent_id: str, parent_reason: str | None) -> str:
    """Return why the children of a stratum without a winner cannot start: its own reason, if it has one."""
    return parent_reason or f"no arm of {parent_id} finished"


def _dev_score_of(arm: Arm) -> float:
    return -1.0 if arm.outcome is None or arm.outcome.score is None else arm.outcome.score
