"""Probes a stage that has done its last tenth: its encoder, and where a family asks for it the one it started from."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache

import pyarrow as pa

from spaces.profile import EncoderProfile
from spaces.stage import Stage
from trainables.models.encoder import Encoder
from trainables.probes import alignment, similarity
from trainables.probes.family import FamilyResult, Prober, ProbeSubject, When
from trainables.probes.probe_file import build_probe_table
from trainables.record.context import StageContext
from trainables.training.fine_tuning import FineTuning

PROBERS: Mapping[str, Prober] = {  # by the names in spaces.probe_columns
    "alignment": alignment.PROBER,
    "similarity": similarity.PROBER,
}
MAX_REMEMBERED = 8  # starts: most stages of a sweep start from the same encoder, or from one per seed

_start_results: OrderedDict[tuple[object, ...], FamilyResult] = OrderedDict()


@dataclass(frozen=True, slots=True)
class StageProbes:
    """One table per family and encoder that was probed, and what a reader of them must know."""

    tables: list[pa.Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, stage: Stage, family: str, when: When, result: FamilyResult) -> None:
        """Take what a family found."""
        self.tables.append(_build_table(stage, family, when, result))
        self.notes.extend(note for note in result.notes if note not in self.notes)


def probe_stage(
    stage: Stage, work: FineTuning, place: StageContext, profile: EncoderProfile, start: Callable[[], Encoder]
) -> StageProbes:
    """What every family that `place` names finds. `start` loads the encoder that the stage started from.

    That encoder is loaded at most once, after the trained one has been probed.
    """
    probed, start = StageProbes(), cache(start)

    def measured(name: str, when: When, encoder: Encoder) -> FamilyResult:
        return PROBERS[name].measure(
            ProbeSubject(stage=stage, when=when, encoder=encoder, fine_tuning=work, context=place, profile=profile)
        )

    for name in place.probes:
        probed.add(stage, name, "after", measured(name, "after", work.encoder))
    for name in place.probes:
        family = PROBERS[name]
        if not family.probes_start(stage):
            continue
        known = (name, stage.parent, place.model, place.source, stage.precision, _random_seed_of(stage))
        found = _start_results.get(known) if family.encoder_only else None
        if found is None:
            found = measured(name, "before", start())
        if family.encoder_only:
            _remember(known, found)
        probed.add(stage, name, "before", found)
    return probed


def _random_seed_of(stage: Stage) -> int | None:
    return stage.seed if stage.start["random"] else None


def _remember(known: tuple[object, ...], found: FamilyResult) -> None:
    _start_results[known] = found
    _start_results.move_to_end(known)
    if len(_start_results) > MAX_REMEMBERED:
        _start_results.popitem(last=False)


def _build_table(stage: Stage, family: str, when: When, found: FamilyResult) -> pa.Table:
    columns = {
        "stage": stage.key,
        "kind": stage.kind,
        "intermediate": stage.intermediate,
        "training": stage.task if stage.kind == "target" else None,
        "seed": stage.seed,
        "family": family,
        "when": when,
    }
    return build_probe_table(columns, map(asdict, found.measurements))
