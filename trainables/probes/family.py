"""Types that all families of probes share: the input of a family, its measurements, and its record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from spaces.encoders import EncoderProfile
from spaces.stage import Stage
from trainables.models.encoder import Encoder
from trainables.record.context import StageContext
from trainables.training.fine_tuning import FineTuning

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject:
    """An encoder to be probed, before or after the training of a stage.

    `fine_tuning` is the finished training, with heads and training sets. Its encoder is `encoder` after the training.
    It is None for a stage without training, which only families that read nothing but the encoder measure.
    """

    stage: Stage
    when: When
    encoder: Encoder
    fine_tuning: FineTuning | None
    context: StageContext
    profile: EncoderProfile

    def require_training(self) -> FineTuning:
        """Return the finished training; raise ValueError for a stage without one."""
        if self.fine_tuning is None:
            raise ValueError(f"stage {self.stage.key} has no training.")
        return self.fine_tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A measured value or vector. The fields are columns of `spaces.probe_columns`."""

    probe: str
    value: float | None = None
    vector: tuple[float, ...] | None = None
    layer: int | None = None
    language: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """The measurements of a family in one encoder, and notes for their readers."""

    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """A family of probes.

    `measure` probes one subject. It must beat the heartbeat, and draw only from generators of its own. `probes_start`
    says whether the encoder that a stage starts from is probed too: each encoder should be probed once, not by every
    stage that starts from it. `encoder_only` says that `measure` reads nothing of the stage but its encoder: then a
    process that meets the same start again does not measure it again.
    """

    measure: Callable[[ProbeSubject], FamilyResult]
    probes_start: Callable[[Stage], bool]
    encoder_only: bool = False
