"""How long stages take, from those that have ended and from the pace of those that run."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from search.board.arms import StratumState
from search.board.order import ArmDuration
from search.sweep.sweep_state import StratumRecord
from spaces.stage import TENTHS

StratumProgress = StratumState | StratumRecord  # the board's, or read from disk
WorkOf = Callable[[StratumProgress], float]  # work of one arm of a stratum, in any unit; 0 if it is not known


def find_work(arm_duration: ArmDuration, stratum: StratumProgress) -> float:
    """Return the work of one arm of a board's stratum, by the board's expectation; 0 of one that was read from disk."""
    return arm_duration(stratum.stratum) if isinstance(stratum, StratumState) else 0.0


EVALUATION_TENTHS = {"target": 2.0}  # evaluation in all languages after the last tenth: 10 to 30 % of a training
STORING_TENTHS = 0.5  # what other kinds do after their last tenth, such as writing the encoder
MAX_EVALUATION_TENTHS = 10.0  # durations of ended stages never make a running one expect more
RETRIEVAL_SHARE = 0.2  # of a mean training, while no retrieval stage has ended
OVERRUN_SHARE = 0.25  # what takes longer than expected is expected to take this share longer again


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """The progress of a stage that has begun."""

    tenth: int = 0  # the last whole one
    seconds: float = 0.0  # that these tenths took
    pace: float | None = None  # seconds per tenth; None before the first
    elapsed: float = 0.0  # seconds since the last tenth, or since the start


BegunStage = tuple[StratumProgress, StageProgress]


@dataclass(slots=True)
class _Total:
    stages: int = 0
    seconds: float = 0.0
    work: float = 0.0


class StageDurations:
    """Durations of whole stages by kind and task, by kind, and relative to their work."""

    def __init__(self, strata: Iterable[StratumProgress], begun: Iterable[BegunStage], work_of: WorkOf) -> None:
        """`begun` are the stages that have begun and not ended; `work_of` compares stages of different tasks."""
        self.work_of = work_of
        self._ended: defaultdict[tuple[str, ...], _Total] = defaultdict(_Total)  # by kind and task
        self._begun: defaultdict[tuple[str, ...], _Total] = defaultdict(_Total)  # by kind and task
        self._all: defaultdict[tuple[str, ...], _Total] = defaultdict(_Total)  # by kind; () all but pretraining
        self._worked = _Total()  # stages whose work is known
        for stratum in strata:
            outcomes = [arm.outcome for arm in stratum.ended_arms]
            self._add(
                self._ended, stratum, [outcome.seconds for outcome in outcomes if outcome and outcome.seconds > 0]
            )
        projected = [
            (stratum, progress.seconds + self._rest_at(progress.pace, stratum, progress))
            for stratum, progress in begun
            if progress.pace
        ]
        for stratum, seconds in projected:
            self._add(self._begun, stratum, [seconds])

    def _add(
        self, totals: defaultdict[tuple[str, ...], _Total], stratum: StratumProgress, seconds: Sequence[float]
    ) -> None:
        if not seconds:
            return
        work, (kind, task) = self.work_of(stratum), stratum.kind_and_task
        groups = [totals[kind, task], self._all[kind,]]
        if kind != "pretrain":  # nothing is compared with pretraining
            groups.append(self._all[()])
            if work > 0:
                groups.append(self._worked)
        for total in groups:
            total.stages += len(seconds)
            total.seconds += sum(seconds)
            total.work += work * len(seconds)

    def estimate_stage(self, stratum: StratumProgress) -> float | None:
        """Return the seconds of a whole stage of a stratum; None while no stage tells.

        The first of these that there are: stages of its kind and task that have ended, or else those that run at their
        pace, both relative to their work; all others by their work; those of its kind; all but pretraining.
        """
        work, kind_and_task = self.work_of(stratum), stratum.kind_and_task
        kind = kind_and_task[0]
        for totals in (self._ended, self._begun):
            if kind_and_task in totals:
                return _scale(totals[kind_and_task], work)
        if work > 0 and self._worked.work > 0 and kind != "pretrain":
            return _scale(self._worked, work)
        if (kind,) in self._all:
            return _scale(self._all[kind,], 0.0)
        if () in self._all:
            return _scale(self._all[()], 0.0) * (RETRIEVAL_SHARE if kind == "retrieval" else 1.0)
        return None

    def estimate_rest(self, stratum: StratumProgress, progress: StageProgress) -> float | None:
        """Return the seconds left in a stage that has begun, by its own pace if it has one.

        Never 0 while the next report is out, however late it is. The last report comes after the evaluation.
        """
        if progress.pace is not None:
            rest = self._rest_at(progress.pace, stratum, progress)
            is_last = progress.tenth >= TENTHS - 1
            piece = rest if is_last else progress.pace
        else:
            whole, kind = self.estimate_stage(stratum), stratum.kind_and_task[0]
            if whole is None:
                return None
            rest = whole
            piece = whole if kind == "retrieval" else whole / (TENTHS + _evaluation_tenths_of(kind))
        return max(0.0, rest - piece) + max(piece - progress.elapsed, OVERRUN_SHARE * progress.elapsed)

    def _rest_at(self, pace: float, stratum: StratumProgress, progress: StageProgress) -> float:
        """Return the seconds of the tenths that are left, and of the evaluation after them.

        The evaluation takes what ended stages of this kind and task took longer, within limits: they may have run on
        another machine.
        """
        training, least = pace * (TENTHS - progress.tenth), pace * _evaluation_tenths_of(stratum.kind_and_task[0])
        if stratum.kind_and_task not in self._ended:
            return training + least
        whole = _scale(self._ended[stratum.kind_and_task], self.work_of(stratum))
        longer = whole - progress.seconds - training
        return training + min(max(longer, least), pace * MAX_EVALUATION_TENTHS)


def _scale(total: _Total, work: float) -> float:
    """Return the mean seconds of these stages, or the seconds of a stage of this work if theirs is known."""
    return total.seconds / total.work * work if work > 0 and total.work > 0 else total.seconds / total.stages


def _evaluation_tenths_of(kind: str) -> float:
    return EVALUATION_TENTHS.get(kind, STORING_TENTHS)
