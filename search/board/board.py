"""The board of a sweep: which stages are done, which run, which may start. Plain Python; Ray is not needed here.

The truth lies in the store; the board is its view, derived afresh at every start. That is why the same command
continues after any interruption, and why adding rates, seeds or tasks trains only what is new.
"""

from collections.abc import Iterator, Sequence

from search.board.advisers import Gate, Rates, Seeds
from search.board.arms import Arm, Group, choose, tree
from search.board.attempts import again, note
from search.board.breaker import Breaker
from search.board.keep import Keep, clean
from search.board.order import Length, Ready, order
from search.board.store import Store
from spaces.halving import Verdict
from spaces.plan import Maker, Stratum
from spaces.space import Range
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.training.schedule import end_of_tenth, stretched
from trainables.worker.failures import Failure


class Board:
    """Hands out stages whose parents are settled, those with the longest way before them first."""

    def __init__(
        self,
        plan: Sequence[Stratum],
        maker: Maker,
        store: Store,
        rates: Rates,
        *,
        gate: Gate | None = None,
        seeds: Seeds | None = None,
        length: Length = lambda stratum: 1.0,
        slots: int = 1,
        retry_failed: bool = False,
        keep: Keep = "winners",
    ) -> None:
        self.groups = tree(plan)
        self.maker, self.store, self.rates = maker, store, rates
        self.gate, self.seeds, self.retry_failed, self.keep = gate, seeds, retry_failed, keep
        self.breaker = Breaker()
        self.running: dict[str, tuple[Group, Arm]] = {}
        self.unsettled = len(plan)
        self.length = length
        self.arrange(slots)
        for group in self.groups.values():
            self._try_open(group)

    def arrange(self, slots: int) -> None:
        """Put what is to come into the order that suits so many stages at once; in a race it is that of the seeds."""
        plan = [group.stratum for group in self.groups.values()]
        self.ready = Ready(order(plan, self.length, None if self.seeds is not None else slots))
        for group in self.groups.values():
            if group.open and not group.settled:
                self._offer(group)

    def next(self) -> Stage | None:
        """The next stage that can start now, marked as running; None if there is none at the moment."""
        while self.breaker.why is None and (id_ := self.ready.first()) is not None:
            group = self.groups[id_]
            if group.open and not group.settled:
                for arm in self._arms(group):
                    self._judge(group, arm)
                    if arm.startable:
                        return self._start(group, arm)
            self.ready.drop_first()
            self._try_settle(group)  # all that a sampled axis had left may have been done before
        return None

    def _offer(self, group: Group) -> None:
        self.ready.add(group.stratum.id, begun=group.begun)

    def _start(self, group: Group, arm: Arm) -> Stage:
        arm.running = group.begun = True
        self._offer(group)
        self.running[arm.stage.key] = (group, arm)
        if arm.retried:
            self.store.reopen(arm.stage.key)
            arm.retried = False
        self.store.lay_out(arm.stage)
        return arm.stage

    def end(self, key: str, outcome: Outcome) -> None:
        """Note how a running stage ended; settle its stratum and open its children if that was the last arm."""
        group, arm = self.running.pop(key)
        arm.running = False
        if outcome.status != "failed":
            self.breaker.went_well()
        self._take(group, arm, outcome)
        self.look(group)

    def halt(self, key: str, steps: int, seconds: float) -> None:
        """Note that early stopping ended the trial of a running stage, for good or until a rung is decided."""
        group, arm = self.running[key]
        arm.spent = steps, seconds
        self.breaker.went_well()
        self.release(key)
        self.look(group)

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
        group, arm = self.running.pop(key)
        arm.running = False
        self._offer(group)

    def look(self, group: Group) -> None:
        """Let early stopping say what becomes of a stratum's arms; settle it if all have ended."""
        if not group.open or group.settled:
            return
        for arm in group.arms:
            self._judge(group, arm)
        self._offer(group)
        self._try_settle(group)

    def arms(self) -> Iterator[tuple[Stratum, Arm]]:
        """Every arm known so far."""
        for group in self.groups.values():
            for arm in group.arms:
                yield group.stratum, arm

    @property
    def complete(self) -> bool:
        """Nothing is left that could run."""
        return self.unsettled == 0

    def _judge(self, group: Group, arm: Arm) -> None:
        """Let early stopping say what becomes of an arm that does not run."""
        if self.gate is None or arm.running or arm.outcome is not None:
            return
        verdict = self.gate.verdict(group.stratum.id, arm.stage.key)
        arm.waiting = verdict is Verdict.WAIT
        group.begun |= arm.waiting
        if verdict is Verdict.STOP:
            self._take(group, arm, self._stopped(arm))

    def _take(self, group: Group, arm: Arm, outcome: Outcome) -> None:
        """An arm has ended."""
        arm.outcome, arm.waiting = outcome, False
        if self.gate is not None and outcome.status != "stopped":
            self.gate.ended(group.stratum.id, arm.stage.key, outcome.curve)
        if outcome.status == "stopped":  # nobody goes on with it here, and its stratum may take long to settle
            self.store.drop_checkpoint(arm.stage.key)
        if isinstance(group.stratum.rates, Range):
            self.rates.tell(group.stratum, arm.index, outcome)

    def _stopped(self, arm: Arm) -> Outcome:
        """What early stopping leaves of an arm: its curve up to the rung that stops it."""
        assert self.gate is not None
        curve = tuple(self.gate.curve(arm.stage.key))
        if arm.censored is not None and arm.censored.curve == curve:
            arm.reused = True
            return arm.censored
        steps, seconds = arm.spent
        whole = (arm.stage.recipe or {}).get("steps")
        if whole is not None:  # the same after a kill, of which nobody knows how far the stage had come
            steps = end_of_tenth(len(curve), stretched(whole))
        return self.store.write_stopped(arm.stage, curve, steps, seconds)

    def _arms(self, group: Group) -> Iterator[Arm]:
        """The arms of an open group, making those of a sampled axis as they are asked for."""
        yield from group.arms
        while len(group.arms) < group.stratum.arms:
            yield self._add_arm(group)

    def _add_arm(self, group: Group) -> Arm:
        index, axis = len(group.arms), group.stratum.rates
        rate = self.rates.rate(group.stratum, index) if isinstance(axis, Range) else axis[index]
        arm = Arm(index, self.maker.stage(group.stratum, rate, group.start))
        group.arms.append(arm)
        if self.gate is not None:
            self.gate.compete(group.stratum.id, [one.stage.key for one in group.arms])
        outcome = self.store.found(arm.stage)
        if outcome is None:
            return arm
        if outcome.status == "stopped":  # that holds only where this sweep's own rule says so, among its own arms
            arm.censored, arm.spent = outcome, (outcome.steps, outcome.seconds)
            if self.gate is not None:
                self.gate.stopped_before(group.stratum.id, arm.stage.key, outcome.curve)
        elif outcome.status == "failed" and self.retry_failed:
            arm.retried = True
        else:
            arm.reused = True
            self._take(group, arm, outcome)
        return arm

    def _try_open(self, group: Group) -> None:
        if group.open or group.settled:
            return
        parent = group.parent
        if parent is not None and not parent.settled:
            return
        if self.seeds is not None and not self.seeds.given(group.stratum):
            if self.seeds.decided(group.stratum):
                group.decided = True
                self._settle(group)
            return
        if parent is not None and parent.winner is None:
            group.unreachable = parent.unreachable or f"no arm of {parent.stratum.id} finished"
            self._settle(group)
            return
        group.open = True
        for arm in self._arms(group):  # a list is laid out at once; of a range only what is done already
            if isinstance(group.stratum.rates, Range) and arm.outcome is None:
                break
        self.look(group)  # those that are stopped need no encoder to start from
        if parent is not None and any(arm.outcome is None for arm in group.arms):
            self._need_encoder(parent)

    def _need_encoder(self, parent: Group) -> None:
        """A child must start from the parent's winner: if its encoder was removed, the winner runs again."""
        assert parent.winner is not None
        arm = parent.winner
        if not self.store.has_encoder(arm.stage.key) and not arm.running:
            self.store.reopen(arm.stage.key)
            arm.outcome, arm.reused, parent.settled, parent.winner = None, False, False, None
            self.unsettled += 1
            self._offer(parent)
            for child in parent.children:
                if not child.settled:
                    child.open, child.arms = False, []

    def _try_settle(self, group: Group) -> None:
        if not group.open or group.settled or not group.complete:
            return
        group.winner = choose(group.arms)
        clean(group, self.store, self.keep)
        self._settle(group)
        if group.parent is not None and self.keep == "none":
            clean(group.parent, self.store, self.keep)  # this may have been its last child

    def _settle(self, group: Group) -> None:
        """Nothing is left of a stratum that could run: its children may start, or never will."""
        group.settled = True
        self.unsettled -= 1
        for child in group.children:
            self._try_open(child)
        outcome = None if group.winner is None else group.winner.outcome
        score = outcome.score if outcome is not None and outcome.status == "finished" else None
        if self.seeds is not None and not group.decided and self.seeds.settled(group.stratum, score):
            for other in self.groups.values():
                self._try_open(other)
