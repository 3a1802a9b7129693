"""The share that an intermediate phase has in the training steps of a whole chain: of the phase and the target."""

from collections.abc import Iterable
from dataclasses import dataclass

SMALL_SHARE = 0.1  # below it a reader is warned


@dataclass(frozen=True, slots=True)
class StepShare:
    """Mean steps of a phase, and of the phase with the target after it, over chains, trained targets and seeds."""

    phase: float
    chain: float

    @property
    def share(self) -> float:
        """The share of the phase, 0 to 1."""
        return self.phase / self.chain


def average_steps(pairs: Iterable[tuple[float, float]]) -> StepShare | None:
    """Return the share of pairs of steps, of a phase and of the target after it; None where there is no pair."""
    known = [(phase, target) for phase, target in pairs if phase + target > 0]
    if not known:
        return None
    phase, target = (sum(steps) / len(known) for steps in zip(*known, strict=True))
    return StepShare(phase, phase + target)


def describe_step_share(share: StepShare | None, subject: str = "The phase under question") -> str:
    """Return a sentence on the share, with a warning where it is below SMALL_SHARE."""
    if share is None:
        return f"{subject} has an unknown share of a chain's steps: the scores do not say how many steps were trained."
    percent = f"{share.share:.0%}" if share.share >= 0.005 else f"{share.share:.1%}"
    text = f"{subject} has {share.phase:,.0f} of {share.chain:,.0f} steps of a chain on average ({percent})"
    return f"{text}: so small a share can hardly move a target." if share.share < SMALL_SHARE else f"{text}."
