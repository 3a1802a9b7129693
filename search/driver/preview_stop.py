"""The stopping policy of a preview: a phase waits once it was measured, and the sweep goes on from there."""

from collections.abc import Collection, Sequence
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from spaces.halving import Verdict
from spaces.stage import TENTHS
from trainables.record.context import StageContext
from trainables.record.preview_file import is_previewed


class PreviewStop(FIFOScheduler):
    """Tune scheduler and the board's stopping policy: nothing is compared, and nothing is stopped for good."""

    def __init__(self, context: StageContext) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.context = context
        self.damage: list[str] = []

    def rungs_of(self, stratum: str) -> Sequence[int]:
        """Return the tenth after which phases are measured."""
        return (self.context.preview_tenth,) if self.context.preview_tenth < TENTHS else ()

    def set_competitors(self, stratum: str, keys: Collection[str]) -> None:
        """Compare nothing."""

    def verdict_of(self, stratum: str, key: str) -> Verdict:
        """Return WAIT for a phase that was measured; after its last tenth it ends by itself."""
        has_rung = self.context.preview_tenth < TENTHS
        return Verdict.WAIT if has_rung and is_previewed(key, self.context) else Verdict.GO

    def curve_of(self, key: str) -> Sequence[float]:
        """Return nothing, since nothing is stopped for good."""
        return ()

    def record_end(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Ignore the end of a stage: no other one waits for it."""

    def record_earlier_stop(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Ignore a stop by an earlier run, as only targets are ever stopped."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Answer Tune after each result."""
        verdict = self.verdict_of(trial.config["stratum"], trial.config["key"])
        return str(TrialScheduler.CONTINUE if verdict is Verdict.GO else TrialScheduler.STOP)
