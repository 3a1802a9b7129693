"""The board of a sweep: the stages that have ended, run, or may start. Plain Python; Ray is not needed here.

The truth lies in the store; the board is a view of it, derived afresh at every start. So the same command continues
after any interruption, and added rates, seeds or tasks train only what is new.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from search.board.arm_records import ArmRecords
from search.board.arms import Arm, SharedTrainings, StratumState, build_states, choose_winner, explain_unreachable
from search.board.attempts import can_retry, make_attempt
from search.board.breaker import Breaker
from search.board.order import ArmDuration, ReadyQueue, order_strata
from search.board.protocols import KeepPolicy, RateSampler, SeedRace, StoppingPolicy
from search.board.store import Store
from spaces.plan import StageFactory, Stratum
from spaces.space import Range
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.worker.failures import Failure


class Board:
    """Hands out stages whose parents are settled, those on the longest path first."""

    def __init__(
        self,
        plan: Sequence[Stratum],
        stage_factory: StageFactory,
        store: Store,
        rate_sampler: RateSampler | None = None,
        *,
        stopping_policy: StoppingPolicy | None = None,
        race: SeedRace | None = None,
        shared: Mapping[str, str] | None = None,
        arm_duration: ArmDuration = lambda stratum: 1.0,
        slots: int = 1,
        retry_failed: bool = False,
        keep: KeepPolicy = "winners",
    ) -> None:
        """Open every stratum of a plan that can be opened; `rate_sampler` is needed for rates that are a range.

        `shared` has the phase's stratum of each target's that is trained alike (spaces/shared_training.py).
        """
        self.states = build_states(plan)
        self.shared = SharedTrainings(self.states, shared or {})
        self.store, self.race, self.keep, self.arm_duration = store, race, keep, arm_duration
        self.records = ArmRecords(stage_factory, store, rate_sampler, stopping_policy, retry_failed)
        self.breaker = Breaker()
        self.running: dict[str, tuple[StratumState, Arm]] = {}
        self.unsettled_count = len(plan)
        self.arrange(slots)
        for state in self.states.values():
            self._try_open(state)

    def arrange(self, slots: int) -> None:
        """Order the strata for a number of slots; in a race the order is that of the seeds."""
        plan = [state.stratum for state in self.states.values()]
        self.ready = ReadyQueue(order_strata(plan, self.arm_duration, None if self.race is not None else slots))
        for state in self.states.values():
            if state.is_open and not state.is_settled:
                self._mark_ready(state)

    def start_next(self, may_start: Callable[[StratumState, Arm], bool] = lambda state, arm: True) -> Stage | None:
        """Return the next stage that can start, marked as running; None if there is none. Those that may not stay."""
        refused, started = list[StratumState](), None
        while started is None and self.breaker.stop_reason is None and (id_ := self.ready.peek()) is not None:
            state = self.states[id_]
            if state.is_open and not state.is_settled:
                for arm in self.records.iter_all(state):
                    self.records.judge(state, arm)
                    if arm.can_start and not self._awaits_phase(state, arm):
                        if may_start(state, arm):
                            started = self._start_arm(state, arm)
                        else:
                            refused.append(state)
                        break
            if started is None:
                self.ready.drop_first()
                self._try_settle(state)  # all remaining draws of a range may have ended before this start
        for state in refused:
            self._mark_ready(state)
        return started

    def _awaits_phase(self, state: StratumState, arm: Arm) -> bool:
        """Return True if a phase that is still to be trained will leave a target's arm its trained weights."""
        phase = self.shared.find_phase(state)
        if phase is None or not phase.is_open or phase.is_settled:
            return False
        rate = arm.stage.learning_rate
        return any(other.outcome is None for other in self.records.iter_all(phase) if other.stage.learning_rate == rate)

    def prepare_targets(self, key: str) -> list[str]:
        """Return the keys of target stages that a running phase is to leave trained, after preparing their folders."""
        state, arm = self.running[key]
        targets = [
            target
            for other in self.shared.list_targets(state)
            for target in other.arms
            if target.outcome is None and target.stage.learning_rate == arm.stage.learning_rate
        ]
        for target in targets:
            self.store.prepare_stage(target.stage)
        return [target.stage.key for target in targets]

    def _mark_ready(self, state: StratumState) -> None:
        self.ready.add(state.stratum.id, begun=state.has_begun)

    def _start_arm(self, state: StratumState, arm: Arm) -> Stage:
        arm.is_running = state.has_begun = True
        self._mark_ready(state)
        self.running[arm.stage.key] = (state, arm)
        if arm.is_retry:
            self.store.reopen(arm.stage.key)
            arm.is_retry = False
        self.store.prepare_stage(arm.stage)
        return arm.stage

    def end(self, key: str, outcome: Outcome) -> None:
        """Record the outcome of a running stage; settle its stratum and open its children if it was the last arm."""
        state, arm = self.running.pop(key)
        arm.is_running = False
        if outcome.status != "failed":
            self.breaker.record_success()
        self.records.record_outcome(state, arm, outcome)
        self.judge_stratum(state)
        for target in self.shared.list_targets(state):
            if target.is_open and not target.is_settled:
                self._mark_ready(target)

    def halt(self, key: str, tenth: int, steps: int, seconds: float) -> None:
        """Record that early stopping ended the trial of a running stage, for good or until a rung is decided."""
        state, arm = self.running[key]
        arm.tenth, arm.steps, arm.seconds = tenth, steps, seconds
        self.breaker.record_success()
        self.release(key)
        self.judge_stratum(state)

    def fail(self, key: str, failure: Failure, *, moved: bool = False) -> bool:
        """Record a failed attempt at a running stage; returns True if the stage will be tried again.

        `moved` says that the attempt left a later state. If the results cannot be written the stage has not failed: the
        sweep stops, and another start continues the stage.
        """
        _, arm = self.running[key]
        if failure.kind.stops_sweep:
            self.release(key)
            self.breaker.record_unwritable(failure)
            return False
        attempts = self.store.add_attempt(key, make_attempt(failure, moved=moved))
        if can_retry(attempts):
            self.release(key)
            return True
        self.breaker.record_failure(arm.stage, failure)
        self.end(key, self.store.write_failed(arm.stage, failure, len(attempts)))
        return False

    def release(self, key: str) -> None:
        """Mark a running stage as not running, for another attempt or the next start to continue."""
        state, arm = self.running.pop(key)
        arm.is_running = False
        self._mark_ready(state)

    def judge_stratum(self, state: StratumState) -> None:
        """Apply early stopping to the arms of a stratum; settle it if all have ended."""
        if not state.is_open or state.is_settled:
            return
        for arm in state.arms:
            self.records.judge(state, arm)
        self._mark_ready(state)
        self._try_settle(state)

    def iter_arms(self) -> Iterator[tuple[Stratum, Arm]]:
        """Yield every arm known so far, with its stratum."""
        for state in self.states.values():
            for arm in state.arms:
                yield state.stratum, arm

    @property
    def is_complete(self) -> bool:
        """True if nothing is left that could run."""
        return self.unsettled_count == 0

    def _try_open(self, state: StratumState) -> None:
        if state.is_open or state.is_settled:
            return
        if not all(source.is_settled for source in state.sources):
            return
        if self.race is not None and not self.race.can_start(state.stratum):
            if self.race.is_decided(state.stratum):
                state.is_decided = True
                self._settle(state)
            return
        if lost := next((source for source in state.sources if source.winner is None), None):
            state.unreachable_reason = explain_unreachable(lost.stratum.id, lost.unreachable_reason)
            self._settle(state)
            return
        state.is_open = True
        for arm in self.records.iter_all(state):  # all rates of a list; of a range only the draws that have ended
            if isinstance(state.stratum.rates, Range) and arm.outcome is None:
                break
        self.judge_stratum(state)  # arms that are stopped need no encoder to start from
        if any(arm.outcome is None for arm in state.arms):
            for source in state.sources:
                self._require_encoder(source)

    def _require_encoder(self, parent: StratumState) -> None:
        """Run the winner of a parent again if its encoder, which a child must start from, was removed."""
        arm = parent.winner
        if arm is not None and not self.store.has_encoder(arm.stage.key) and not arm.is_running:
            self.store.reopen(arm.stage.key)
            arm.outcome, arm.is_reused, parent.is_settled, parent.winner = None, False, False, None
            self.unsettled_count += 1
            self._mark_ready(parent)
            for child in parent.children:
                if not child.is_settled:
                    child.is_open, child.arms = False, []

    def _try_settle(self, state: StratumState) -> None:
        if not state.is_open or state.is_settled or not state.is_complete:
            return
        state.winner = choose_winner(state.arms)
        self._drop_unneeded_files(state)
        self._settle(state)
        for source in state.sources if self.keep == "none" else ():
            self._drop_unneeded_files(source)  # this may have been its last child

    def _drop_unneeded_files(self, state: StratumState) -> None:
        """Remove checkpoints, what losers left, and the winner's encoder if no child waits and none is to be kept."""
        for arm in state.ended_arms:
            self.store.drop_checkpoint(arm.stage.key)
            if self.keep != "all" and arm is not state.winner:
                self.store.drop_encoder(arm.stage.key)
                self.store.drop_model(arm.stage.key)
        if self.keep == "none" and state.winner is not None and all(child.is_settled for child in state.children):
            self.store.drop_encoder(state.winner.stage.key)

    def _settle(self, state: StratumState) -> None:
        """Close a stratum in which nothing is left to run: its children may start, or never will."""
        state.is_settled = True
        self.unsettled_count -= 1
        for child in state.children:
            self._try_open(child)
        winner = state.winner
        score = winner.outcome.score if winner is not None and winner.outcome and winner.status == "finished" else None
        if self.race is not None and not state.is_decided and self.race.record_score(state.stratum, score):
            for other in self.states.values():
                self._try_open(other)
