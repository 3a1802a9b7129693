"""Arms that compete in a stratum, and which of them wins."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spaces.plan import Stratum
from spaces.stage import Stage
from trainables.record.outcome import Outcome


@dataclass(slots=True)
class Arm:
    """One arm of a stratum: its stage, and its outcome once there is one."""

    index: int
    stage: Stage
    outcome: Outcome | None = None
    is_running: bool = False
    is_waiting: bool = False  # at a rung, until the others have come there
    steps_and_seconds: tuple[int, float] = (0, 0.0)  # steps and seconds, where early stopping ended a trial
    stopped_outcome: Outcome | None = None  # found on disk: it was stopped, which need not hold here
    is_reused: bool = False  # was done before this start
    is_retry: bool = False  # failed before this start, and starts afresh

    @property
    def can_start(self) -> bool:
        """It could run now."""
        return self.outcome is None and not self.is_running and not self.is_waiting


@dataclass(slots=True, eq=False)
class StratumState:
    """A stratum under way, and its place in the tree of those that start from one another's winners."""

    stratum: Stratum
    parent: "StratumState | None" = field(default=None, repr=False)
    children: list["StratumState"] = field(default_factory=list, repr=False)
    arms: list[Arm] = field(default_factory=list)
    is_open: bool = False
    has_begun: bool = False  # an arm was handed out, or waits at a rung
    is_settled: bool = False
    winner: Arm | None = None
    unreachable_reason: str | None = None  # why no arm can ever start
    is_decided: bool = False  # its chain was decided before this seed: no arm will start

    @property
    def is_complete(self) -> bool:
        """Every arm has ended."""
        return len(self.arms) == self.stratum.arm_count and all(arm.outcome for arm in self.arms)

    @property
    def parent_key(self) -> str | None:
        """The key of the stage that the arms start from: the parent, which is settled, has a winner."""
        if self.parent is None:
            return None
        assert self.parent.winner is not None
        return self.parent.winner.stage.key


def build_states(plan: Sequence[Stratum]) -> dict[str, StratumState]:
    """The strata of a plan by their ids. In a plan parents come before their children."""
    groups: dict[str, StratumState] = {}
    for stratum in plan:
        parent = None if stratum.parent is None else groups[stratum.parent]
        group = groups[stratum.id] = StratumState(stratum, parent)
        if parent is not None:
            parent.children.append(group)
    return groups


def choose_winner(arms: Sequence[Arm]) -> Arm | None:
    """The winner of a stratum: the best English dev score among the finished arms, of equals the lowest rate.

    Stopped and failed arms never win. Only where no arm finished properly a degenerate one is taken, so that the chain
    can be looked at; its status stays with every row.
    """
    for status in ("finished", "degenerate"):
        candidates = [arm for arm in arms if arm.outcome is not None and arm.outcome.status == status]
        usable = [arm for arm in candidates if arm.outcome is not None and arm.outcome.tenth == 10]
        if usable:
            return max(usable, key=lambda arm: (_dev_score_of(arm), -(arm.stage.learning_rate or 0.0)))
    return None


def _dev_score_of(arm: Arm) -> float:
    return -1.0 if arm.outcome is None or arm.outcome.score is None else arm.outcome.score
