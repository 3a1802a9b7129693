"""The records of a board's arms: what the store has of them when they are created, and how they end."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.board.arms import Arm, StratumState
from search.board.protocols import RateSampler, StoppingPolicy
from search.board.store import Store
from spaces.halving import Verdict
from spaces.plan import StageFactory
from spaces.space import Range
from spaces.stage import TENTHS
from trainables.record.outcome import Outcome
from trainables.training.schedule import clamp_steps, end_of_tenth


@dataclass(frozen=True, slots=True)
class ArmRecords:
    """Creates the arms of strata and records their ends, in the store and for rate sampler and stopping policy."""

    stage_factory: StageFactory
    store: Store
    rate_sampler: RateSampler | None  # needed for strata whose rates are a range
    stopping_policy: StoppingPolicy | None
    retry_failed: bool

    @property
    def damage(self) -> list[str]:
        """Damaged files that the driver has found so far, one line each."""
        sources = (self.store, self.stopping_policy, self.rate_sampler)
        return [line for source in sources if source is not None for line in source.damage]

    def rungs_of(self, stratum: str) -> list[int]:
        """Return the tenths after which a stage of a stratum must ask for a verdict."""
        return [] if self.stopping_policy is None else list(self.stopping_policy.rungs_of(stratum))

    def iter_all(self, state: StratumState) -> Iterator[Arm]:
        """Yield the arms of an open stratum, and create those that do not exist yet one by one."""
        yield from state.arms
        while len(state.arms) < state.arm_count:
            yield self._add(state)

    def _add(self, state: StratumState) -> Arm:
        stratum, index = state.stratum, len(state.arms)
        if isinstance(stratum.rates, Range):
            assert self.rate_sampler is not None
            rate: float | None = self.rate_sampler.get_rate(stratum, index)
        else:
            rate = stratum.rates[index]
        arm = Arm(index, self.stage_factory.make_stage(stratum, rate, state.parent_key, state.merged_keys))
        state.arms.append(arm)
        if self.stopping_policy is not None:
            self.stopping_policy.set_competitors(stratum.id, [known.stage.key for known in state.arms])
        outcome = self.store.load_verified_outcome(arm.stage)
        if outcome is None:
            return arm
        if outcome.status == "stopped":  # valid here only if this sweep's own rule stops it, among its own arms
            arm.stopped_outcome, arm.steps, arm.seconds = outcome, outcome.steps, outcome.seconds
            if self.stopping_policy is not None:
                self.stopping_policy.record_earlier_stop(stratum.id, arm.stage.key, outcome.curve)
        elif outcome.status == "failed" and self.retry_failed:
            arm.is_retry = True
        else:
            arm.is_reused = True
            self.record_outcome(state, arm, outcome)
        return arm

    def judge(self, state: StratumState, arm: Arm) -> None:
        """Apply early stopping to an arm that does not run: it may start, waits at a rung, or is stopped."""
        if self.stopping_policy is None or arm.is_running or arm.outcome is not None:
            return
        verdict = self.stopping_policy.verdict_of(state.stratum.id, arm.stage.key)
        arm.is_waiting = verdict is Verdict.WAIT
        state.has_begun |= arm.is_waiting
        if verdict is Verdict.STOP:
            self.record_outcome(state, arm, self._make_stopped_outcome(arm))

    def record_outcome(self, state: StratumState, arm: Arm, outcome: Outcome) -> None:
        """Record the end of an arm."""
        arm.outcome, arm.is_waiting = outcome, False
        if not arm.is_reused:
            self.store.note_end(outcome)
        if self.stopping_policy is not None and outcome.status != "stopped":
            self.stopping_policy.record_end(state.stratum.id, arm.stage.key, outcome.curve)
        if outcome.status == "stopped":  # nobody continues the stage here, and its stratum may take long to settle
            self.store.drop_checkpoint(arm.stage.key)
        if isinstance(state.stratum.rates, Range):
            assert self.rate_sampler is not None
            self.rate_sampler.tell(state.stratum, arm.index, outcome)

    def _make_stopped_outcome(self, arm: Arm) -> Outcome:
        """Return the outcome of a stopped arm: its curve up to the rung that stops it."""
        assert self.stopping_policy is not None
        curve, steps = tuple(self.stopping_policy.curve_of(arm.stage.key)), arm.steps
        if arm.stopped_outcome is not None and arm.stopped_outcome.curve == curve:
            arm.is_reused = True
            return arm.stopped_outcome
        if arm.tenth > len(curve):  # a phase trained it to its end
            steps = end_of_tenth(len(curve), steps * TENTHS // arm.tenth)
        schedule_steps = (arm.stage.recipe or {}).get("steps")
        if schedule_steps is not None:  # after a kill nobody knows how far the stage came: the curve gives the same
            steps = end_of_tenth(len(curve), clamp_steps(schedule_steps))
        return self.store.write_stopped(arm.stage, curve, steps, arm.seconds)
