"""The board of a sweep: which stages are done, which run, which may start. Plain Python; Ray is not needed here.

The truth lies in the store; the board is its view, derived afresh at every start. That is why the same command
continues after any interruption, and why adding rates, seeds or tasks trains only what is new.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from search.arms import Arm, Group, choose
from search.attempts import again, note
from search.breaker import Breaker
from search.store import Store
from spaces.plan import Maker, Stratum
from spaces.space import Range
from spaces.stage import Stage
from trainables.failures import Failure
from trainables.outcome import Outcome

Keep = Literal["none", "winners", "all"]


class Rates(Protocol):
    """Where the learning rates of an axis that is a range come from."""

    def rate(self, stratum: Stratum, index: int) -> float:
        """The rate of draw `index` of a stratum, the same at every call."""

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """How that draw ended."""


class Gate(Protocol):
    """What the board asks the early stopping."""

    def stopped_curve(self, key: str) -> Sequence[float] | None:
        """English dev by tenth of a stage that was stopped in this sweep; None if it was not."""

    def stopped_before(self, stratum: str, key: str, curve: Sequence[float]) -> bool:
        """Whether to believe an outcome that says that a stage was stopped, though the records of this sweep do not."""

    def enter_finished(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of an arm that was finished before."""


class Board:
    """Hands out stages whose parents are settled, in the order of the plan."""

    def __init__(
        self,
        plan: Sequence[Stratum],
        maker: Maker,
        store: Store,
        rates: Rates,
        *,
        gate: Gate | None = None,
        retry_failed: bool = False,
        keep: Keep = "winners",
    ) -> None:
        self.groups = {stratum.id: Group(stratum) for stratum in plan}
        self.maker, self.store, self.rates = maker, store, rates
        self.gate, self.retry_failed, self.keep = gate, retry_failed, keep
        self.breaker = Breaker()
        self.running: dict[str, tuple[Group, Arm]] = {}
        self.children: dict[str, list[Group]] = {}
        for group in self.groups.values():
            if group.stratum.parent is not None:
                self.children.setdefault(group.stratum.parent, []).append(group)
        for group in self.groups.values():
            self._try_open(group)

    def next(self) -> Stage | None:
        """The next stage that can start now, marked as running; None if there is none at the moment."""
        if self.breaker.why is not None:
            return None
        for group in self.groups.values():
            if not group.open or group.settled:
                continue
            for arm in self._arms(group):
                if arm.outcome is None and not arm.running:
                    arm.running = True
                    self.running[arm.stage.key] = (group, arm)
                    if arm.retried:
                        self.store.reopen(arm.stage.key)
                        arm.retried = False
                    self.store.lay_out(arm.stage)
                    return arm.stage
        return None

    def end(self, key: str, outcome: Outcome) -> None:
        """Note how a running stage ended; settle its stratum and open its children if that was the last arm."""
        group, arm = self.running.pop(key)
        arm.running, arm.outcome = False, outcome
        if outcome.status != "failed":
            self.breaker.went_well()
        if outcome.status == "stopped":  # nobody goes on with it here, and its stratum may take long to settle
            self.store.drop_checkpoint(key)
        self._told(group, arm)
        self._try_settle(group)

    def fail(self, key: str, failure: Failure, *, moved: bool = False) -> bool:
        """Note that a running stage failed; returns whether it is going to be tried again.

        `moved` says that it finished a tenth before. Where the results cannot be written the stage has not failed: the
        sweep stops, and another start continues it.
        """
        _, arm = self.running[key]
        if failure.kind.stops:
            self.release(key)
            self.breaker.cannot_write(failure)
            return False
        tried = self.store.add_attempt(key, note(failure, moved=moved))
        if again(tried):
            self.release(key)
            return True
        self.breaker.failed(arm.stage, failure)
        self.end(key, self.store.write_failed(arm.stage, failure, len(tried)))
        return False

    def release(self, key: str) -> None:
        """A running stage is left as it is, for another try or the next start to go on with."""
        _, arm = self.running.pop(key)
        arm.running = False

    def arms(self) -> Iterator[tuple[Stratum, Arm]]:
        """Every arm known so far."""
        for group in self.groups.values():
            for arm in group.arms:
                yield group.stratum, arm

    @property
    def complete(self) -> bool:
        """Nothing is left that could run."""
        return all(group.settled for group in self.groups.values())

    def _arms(self, group: Group) -> Iterator[Arm]:
        """The arms of an open group, making those of a sampled axis as they are asked for."""
        yield from group.arms
        while len(group.arms) < group.stratum.arms:
            yield self._add_arm(group)

    def _add_arm(self, group: Group) -> Arm:
        index, axis = len(group.arms), group.stratum.rates
        rate = self.rates.rate(group.stratum, index) if isinstance(axis, Range) else axis[index]
        arm = Arm(index, self.maker.stage(group.stratum, rate, self._parent_key(group)))
        group.arms.append(arm)
        outcome = self._found(arm.stage, group.stratum)
        if outcome is not None and outcome.status == "failed" and self.retry_failed:
            arm.retried = True
        elif outcome is not None:
            arm.outcome, arm.reused = outcome, True
            self._told(group, arm)
        return arm

    def _found(self, stage: Stage, stratum: Stratum) -> Outcome | None:
        """The outcome on disk, if it stands for this sweep too."""
        outcome = self.store.found(stage)
        if outcome is not None and outcome.status in ("finished", "degenerate"):
            if self.gate is not None:
                self.gate.enter_finished(stratum.id, stage.key, outcome.curve)
            return outcome
        if outcome is not None and outcome.status == "failed":
            return outcome
        # Stopped: that holds only where this sweep's own scheduler did it, among this sweep's own arms.
        if self.gate is None:
            return None
        curve = self.gate.stopped_curve(stage.key)
        if curve is None:
            known = outcome is not None and self.gate.stopped_before(stratum.id, stage.key, outcome.curve)
            return outcome if known else None
        return outcome or self.store.write_stopped(stage, curve, steps=0, seconds=0.0)

    def _told(self, group: Group, arm: Arm) -> None:
        if isinstance(group.stratum.rates, Range) and arm.outcome is not None:
            self.rates.tell(group.stratum, arm.index, arm.outcome)

    def _parent_key(self, group: Group) -> str | None:
        if group.stratum.parent is None:
            return None
        winner = self.groups[group.stratum.parent].winner
        assert winner is not None
        return winner.stage.key

    def _try_open(self, group: Group) -> None:
        if group.open or group.settled:
            return
        parent = None if group.stratum.parent is None else self.groups[group.stratum.parent]
        if parent is not None and not parent.settled:
            return
        if parent is not None and parent.winner is None:
            group.settled, group.unreachable = True, parent.unreachable or f"no arm of {parent.stratum.id} finished"
            self._open_children(group)
            return
        group.open = True
        for arm in self._arms(group):  # a list is laid out at once; of a range only what is done already
            if isinstance(group.stratum.rates, Range) and arm.outcome is None:
                break
        if parent is not None and any(arm.outcome is None for arm in group.arms):
            self._need_encoder(parent)
        self._try_settle(group)

    def _need_encoder(self, parent: Group) -> None:
        """A child must start from the parent's winner: if its encoder was removed, the winner runs again."""
        assert parent.winner is not None
        arm = parent.winner
        if not self.store.has_encoder(arm.stage.key) and not arm.running:
            self.store.reopen(arm.stage.key)
            arm.outcome, arm.reused, parent.settled, parent.winner = None, False, False, None
            for child in self.children.get(parent.stratum.id, ()):
                if not child.settled:
                    child.open, child.arms = False, []

    def _try_settle(self, group: Group) -> None:
        if not group.open or group.settled or not group.complete:
            return
        group.settled, group.winner = True, choose(group.arms)
        self._clean(group)
        self._open_children(group)
        if self.keep == "none" and group.stratum.parent is not None:
            self._clean(self.groups[group.stratum.parent])  # this may have been its last child

    def _open_children(self, group: Group) -> None:
        for child in self.children.get(group.stratum.id, ()):
            self._try_open(child)

    def _clean(self, group: Group) -> None:
        """Keep disk use bounded: losers' weights go when the stratum is settled, a parent's as `keep` says."""
        for arm in group.arms:
            if arm.outcome is None:
                continue
            self.store.drop_checkpoint(arm.stage.key)
            if self.keep != "all" and group.settled and arm is not group.winner:
                self.store.drop_encoder(arm.stage.key)
        children = self.children.get(group.stratum.id, ())
        if self.keep == "none" and group.winner is not None and all(child.settled for child in children):
            self.store.drop_encoder(group.winner.stage.key)
