"""The board of a sweep: which stages are done, which run, which may start. Plain Python; Ray is not needed here.

The truth lies in the store; the board is its view, derived afresh at every start. That is why the same command
continues after any interruption, and why adding rates, seeds or tasks trains only what is new.
"""

from collections.abc import Iterator, Sequence

from search.board.arms import Arm, StratumState, build_states, choose_winner
from search.board.attempts import can_retry, make_attempt
from search.board.breaker import Breaker
from search.board.keep import KeepPolicy, drop_unneeded_files
from search.board.order import ArmDuration, ReadyQueue, order_strata
from search.board.protocols import RateSampler, SeedRace, StoppingPolicy
from search.board.store import Store
from spaces.halving import Verdict
from spaces.plan import StageFactory, Stratum
from spaces.space import Range
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.training.schedule import clamp_steps, end_of_tenth
from trainables.worker.failures import Failure


class Board:
    """Hands out stages whose parents are settled, those with the longest way before them first."""

    def __init__(
        self,
        plan: Sequence[Stratum],
        stage_factory: StageFactory,
        store: Store,
        rate_sampler: RateSampler,
        *,
        stopping_policy: StoppingPolicy | None = None,
        race: SeedRace | None = None,
        arm_duration: ArmDuration = lambda stratum: 1.0,
        slots: int = 1,
        retry_failed: bool = False,
        keep: KeepPolicy = "winners",
    ) -> None:
        self.states = build_states(plan)
        self.stage_factory, self.store, self.rate_sampler = stage_factory, store, rate_sampler
        self.stopping_policy, self.race, self.retry_failed, self.keep = stopping_policy, race, retry_failed, keep
        self.breaker = Breaker()
        self.running: dict[str, tuple[StratumState, Arm]] = {}
        self.unsettled_count = len(plan)
        self.arm_duration = arm_duration
        self.arrange(slots)
        for group in self.states.values():
            self._try_open(group)

    def arrange(self, slots: int) -> None:
        """Put what is to come into the order that suits so many stages at once; in a race it is that of the seeds."""
        plan = [group.stratum for group in self.states.values()]
        self.ready = ReadyQueue(order_strata(plan, self.arm_duration, None if self.race is not None else slots))
        for group in self.states.values():
            if group.is_open and not group.is_settled:
                self._mark_ready(group)

    def start_next(self) -> Stage | None:
        """The next stage that can start now, marked as running; None if there is none at the moment."""
        while self.breaker.stop_reason is None and (id_ := self.ready.peek()) is not None:
            group = self.states[id_]
            if group.is_open and not group.is_settled:
                for arm in self._iter_all_arms(group):
                    self._judge_arm(group, arm)
                    if arm.can_start:
                        return self._start_arm(group, arm)
            self.ready.drop_first()
            self._try_settle(group)  # all that a sampled axis had left may have been done before
        return None

    def _mark_ready(self, group: StratumState) -> None:
        self.ready.add(group.stratum.id, begun=group.has_begun)

    def _start_arm(self, group: StratumState, arm: Arm) -> Stage:
        arm.is_running = group.has_begun = True
        self._mark_ready(group)
        self.running[arm.stage.key] = (group, arm)
        if arm.is_retry:
            self.store.reopen(arm.stage.key)
            arm.is_retry = False
        self.store.prepare_stage(arm.stage)
        return arm.stage

    def end(self, key: str, outcome: Outcome) -> None:
        """Note how a running stage ended; settle its stratum and open its children if that was the last arm."""
        group, arm = self.running.pop(key)
        arm.is_running = False
        if outcome.status != "failed":
            self.breaker.record_success()
        self._record_outcome(group, arm, outcome)
        self.judge_stratum(group)

    def halt(self, key: str, steps: int, seconds: float) -> None:
        """Note that early stopping ended the trial of a running stage, for good or until a rung is decided."""
        group, arm = self.running[key]
        arm.steps_and_seconds = steps, seconds
        self.breaker.record_success()
        self.release(key)
        self.judge_stratum(group)

    def fail(self, key: str, failure: Failure, *, moved: bool = False) -> bool:
        """Note that a running stage failed; returns whether it is going to be tried again.

        `moved` says that it finished a tenth before. Where the results cannot be written the stage has not failed: the
        sweep stops, and another start continues it.
        """
        _, arm = self.running[key]
        if failure.kind.stops_sweep:
            self.release(key)
            self.breaker.record_unwritable(failure)
            return False
        tried = self.store.add_attempt(key, make_attempt(failure, moved=moved))
        if can_retry(tried):
            self.release(key)
            return True
        self.breaker.record_failure(arm.stage, failure)
        self.end(key, self.store.write_failed(arm.stage, failure, len(tried)))
        return False

    def release(self, key: str) -> None:
        """A running stage is left as it is, for another try or the next start to go on with."""
        group, arm = self.running.pop(key)
        arm.is_running = False
        self._mark_ready(group)

    def judge_stratum(self, group: StratumState) -> None:
        """Let early stopping say what becomes of a stratum's arms; settle it if all have ended."""
        if not group.is_open or group.is_settled:
            return
        for arm in group.arms:
            self._judge_arm(group, arm)
        self._mark_ready(group)
        self._try_settle(group)

    def iter_arms(self) -> Iterator[tuple[Stratum, Arm]]:
        """Every arm known so far."""
        for group in self.states.values():
            for arm in group.arms:
                yield group.stratum, arm

    @property
    def is_complete(self) -> bool:
        """Nothing is left that could run."""
        return self.unsettled_count == 0

    def _judge_arm(self, group: StratumState, arm: Arm) -> None:
        """Let early stopping say what becomes of an arm that does not run."""
        if self.stopping_policy is None or arm.is_running or arm.outcome is not None:
            return
        verdict = self.stopping_policy.verdict_of(group.stratum.id, arm.stage.key)
        arm.is_waiting = verdict is Verdict.WAIT
        group.has_begun |= arm.is_waiting
        if verdict is Verdict.STOP:
            self._record_outcome(group, arm, self._make_stopped_outcome(arm))

    def _record_outcome(self, group: StratumState, arm: Arm, outcome: Outcome) -> None:
        """An arm has ended."""
        arm.outcome, arm.is_waiting = outcome, False
        if self.stopping_policy is not None and outcome.status != "stopped":
            self.stopping_policy.record_end(group.stratum.id, arm.stage.key, outcome.curve)
        if outcome.status == "stopped":  # nobody goes on with it here, and its stratum may take long to settle
            self.store.drop_checkpoint(arm.stage.key)
        if isinstance(group.stratum.rates, Range):
            self.rate_sampler.tell(group.stratum, arm.index, outcome)

    def _make_stopped_outcome(self, arm: Arm) -> Outcome:
        """What early stopping leaves of an arm: its curve up to the rung that stops it."""
        assert self.stopping_policy is not None
        curve = tuple(self.stopping_policy.curve_of(arm.stage.key))
        if arm.stopped_outcome is not None and arm.stopped_outcome.curve == curve:
            arm.is_reused = True
            return arm.stopped_outcome
        steps, seconds = arm.steps_and_seconds
        whole = (arm.stage.recipe or {}).get("steps")
        if whole is not None:  # the same after a kill, of which nobody knows how far the stage had come
            steps = end_of_tenth(len(curve), clamp_steps(whole))
        return self.store.write_stopped(arm.stage, curve, steps, seconds)

    def _iter_all_arms(self, group: StratumState) -> Iterator[Arm]:
        """The arms of an open group, making those of a sampled axis as they are asked for."""
        yield from group.arms
        while len(group.arms) < group.stratum.arm_count:
            yield self._add_arm(group)

    def _add_arm(self, group: StratumState) -> Arm:
        index, axis = len(group.arms), group.stratum.rates
        rate = self.rate_sampler.get_rate(group.stratum, index) if isinstance(axis, Range) else axis[index]
        arm = Arm(index, self.stage_factory.make_stage(group.stratum, rate, group.parent_key))
        group.arms.append(arm)
        if self.stopping_policy is not None:
            self.stopping_policy.set_competitors(group.stratum.id, [one.stage.key for one in group.arms])
        outcome = self.store.load_verified_outcome(arm.stage)
        if outcome is None:
            return arm
        if outcome.status == "stopped":  # that holds only where this sweep's own rule says so, among its own arms
            arm.stopped_outcome, arm.steps_and_seconds = outcome, (outcome.steps, outcome.seconds)
            if self.stopping_policy is not None:
                self.stopping_policy.record_earlier_stop(group.stratum.id, arm.stage.key, outcome.curve)
        elif outcome.status == "failed" and self.retry_failed:
            arm.is_retry = True
        else:
            arm.is_reused = True
            self._record_outcome(group, arm, outcome)
        return arm

    def _try_open(self, group: StratumState) -> None:
        if group.is_open or group.is_settled:
            return
        parent = group.parent
        if parent is not None and not parent.is_settled:
            return
        if self.race is not None and not self.race.can_start(group.stratum):
            if self.race.is_decided(group.stratum):
                group.is_decided = True
                self._settle(group)
            return
        if parent is not None and parent.winner is None:
            group.unreachable_reason = parent.unreachable_reason or f"no arm of {parent.stratum.id} finished"
            self._settle(group)
            return
        group.is_open = True
        for arm in self._iter_all_arms(group):  # a list is laid out at once; of a range only what is done already
            if isinstance(group.stratum.rates, Range) and arm.outcome is None:
                break
        self.judge_stratum(group)  # those that are stopped need no encoder to start from
        if parent is not None and any(arm.outcome is None for arm in group.arms):
            self._require_encoder(parent)

    def _require_encoder(self, parent: StratumState) -> None:
        """A child must start from the parent's winner: if its encoder was removed, the winner runs again."""
        assert parent.winner is not None
        arm = parent.winner
        if not self.store.has_encoder(arm.stage.key) and not arm.is_running:
            self.store.reopen(arm.stage.key)
            arm.outcome, arm.is_reused, parent.is_settled, parent.winner = None, False, False, None
            self.unsettled_count += 1
            self._mark_ready(parent)
            for child in parent.children:
                if not child.is_settled:
                    child.is_open, child.arms = False, []

    def _try_settle(self, group: StratumState) -> None:
        if not group.is_open or group.is_settled or not group.is_complete:
            return
        group.winner = choose_winner(group.arms)
        drop_unneeded_files(group, self.store, self.keep)
        self._settle(group)
        if group.parent is not None and self.keep == "none":
            drop_unneeded_files(group.parent, self.store, self.keep)  # this may have been its last child

    def _settle(self, group: StratumState) -> None:
        """Nothing is left of a stratum that could run: its children may start, or never will."""
        group.is_settled = True
        self.unsettled_count -= 1
        for child in group.children:
            self._try_open(child)
        outcome = None if group.winner is None else group.winner.outcome
        score = outcome.score if outcome is not None and outcome.status == "finished" else None
        if self.race is not None and not group.is_decided and self.race.record_score(group.stratum, score):
            for other in self.states.values():
                self._try_open(other)
