"""A family of probes: what it is given, and what it returns. One small file per family lies beside this one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from spaces.profile import EncoderProfile
from spaces.stage import Stage
from trainables.models.encoder import Encoder
from trainables.record.context import StageContext
from trainables.training.fine_tuning import FineTuning

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject:
    """One encoder to be probed, before or after the training of a stage.

    `work` is the finished run, with heads and training sets, whose encoder `encoder` is after the training.
    """

    stage: Stage
    when: When
    encoder: Encoder
    fine_tuning: FineTuning
    context: StageContext
    profile: EncoderProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured value or vector; the columns are those of `spaces.probe_columns`."""

    probe: str
    value: float | None = None
    vector: tuple[float, ...] | None = None
    layer: int | None = None
    language: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """What a family found in one encoder, and what a reader of it must know."""

    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """`measure` probes one subject. It must beat the heartbeat, and draw only from generators of its own.

    `before` tells for which stages the encoder that they start from is probed too: each encoder should be probed once
    and not by all that start from it. `encoder_only` says that `measure` reads nothing of the stage but its encoder:
    then a process that meets the same start again does not measure it again.
    """

    measure: Callable[[ProbeSubject], FamilyResult]
    probes_start: Callable[[Stage], bool]
    encoder_only: bool = False
