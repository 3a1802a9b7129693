"""Probing of a stage after its last tenth: of its encoder, and for some families of the one it started from."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache

import pyarrow as pa

from spaces.encoders import EncoderProfile
from spaces.probe_columns import PROBE_COLUMNS
from spaces.stage import Stage
from trainables.models.encoder import Encoder
from trainables.probes import alignment, similarity
from trainables.probes.family import FamilyResult, Prober, ProbeSubject, When
from trainables.record.context import StageContext
from trainables.record.results import build_schema
from trainables.training.fine_tuning import FineTuning

PROBERS: Mapping[str, Prober] = {  # by the names in spaces.probe_columns
    "alignment": alignment.PROBER,
    "similarity": similarity.PROBER,
}
SCHEMA = build_schema(PROBE_COLUMNS)
MAX_REMEMBERED = 8  # start encoders: most stages of a sweep start from the same encoder, or from one per seed

_start_results: OrderedDict[tuple[object, ...], FamilyResult] = OrderedDict()


@dataclass(frozen=True, slots=True)
class StageProbes:
    """A table for each family and encoder that was probed, and notes for their readers."""

    tables: list[pa.Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, stage: Stage, family: str, when: When, result: FamilyResult) -> None:
        """Add the result of a family."""
        columns = {
            "stage": stage.key,
            "kind": stage.kind,
            "intermediate": stage.intermediate,
            "training": stage.task if stage.kind == "target" else None,
            "seed": stage.seed,
            "family": family,
            "when": when,
        }
        rows = [{**columns, **asdict(measurement)} for measurement in result.measurements]
        self.tables.append(pa.Table.from_pylist(rows, schema=SCHEMA))
        self.notes.extend(note for note in result.notes if note not in self.notes)


def probe_stage(
    stage: Stage,
    encoder: Encoder,
    training: FineTuning | None,
    context: StageContext,
    profile: EncoderProfile,
    load_start: Callable[[], Encoder],
) -> StageProbes:
    """Return the measurements of all families that the context names, of the stage's `encoder`.

    A stage without `training` has only those that read nothing but an encoder. `load_start` loads the encoder that the
    stage started from. It is called at most once, after the trained encoder has been probed.
    """
    probes, load_start = StageProbes(), cache(load_start)
    families = [family for family in context.probes if training is not None or PROBERS[family].encoder_only]
    probes.notes.extend(f"{family} is not probed without training" for family in {*context.probes} - {*families})

    def measure(family: str, when: When, encoder: Encoder) -> FamilyResult:
        subject = ProbeSubject(
            stage=stage, when=when, encoder=encoder, fine_tuning=training, context=context, profile=profile
        )
        return PROBERS[family].measure(subject)

    for family in families:
        probes.add(stage, family, "after", measure(family, "after", encoder))
    for family in families:
        prober = PROBERS[family]
        if not prober.probes_start(stage):
            continue
        seed = stage.seed if stage.start["random"] else None
        start = (family, stage.parent, context.model, context.source, stage.precision, seed)
        result = _start_results.get(start) if prober.encoder_only else None
        if result is None:
            result = measure(family, "before", load_start())
        if prober.encoder_only:
            _start_results[start] = result
            _start_results.move_to_end(start)
            if len(_start_results) > MAX_REMEMBERED:
                _start_results.popitem(last=False)
        probes.add(stage, family, "before", result)
    return probes
