"""Probes a stage that has done its last tenth: its encoder, and where a family asks for it the one it started from."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache

import pyarrow as pa

from spaces.profile import Profile
from spaces.stage import Stage
from trainables.models.encoder import Encoder
from trainables.probes import alignment, similarity
from trainables.probes.family import Family, Found, Subject, When
from trainables.probes.rows import probe_table
from trainables.record.places import Place
from trainables.training.training import FineTuning

FAMILIES: Mapping[str, Family] = {  # by the names in spaces.probe_columns
    "alignment": alignment.FAMILY,
    "similarity": similarity.FAMILY,
}
REMEMBERED = 8  # starts: most stages of a sweep start from the same encoder, or from one per seed

_starts: OrderedDict[tuple[object, ...], Found] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Probed:
    """One table per family and encoder that was probed, and what a reader of them must know."""

    tables: list[pa.Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, stage: Stage, family: str, when: When, found: Found) -> None:
        """Take what a family found."""
        self.tables.append(_table(stage, family, when, found))
        self.notes.extend(note for note in found.notes if note not in self.notes)


def probe(stage: Stage, work: FineTuning, place: Place, profile: Profile, start: Callable[[], Encoder]) -> Probed:
    """What every family that `place` names finds. `start` loads the encoder that the stage started from.

    That encoder is loaded at most once, after the trained one has been probed.
    """
    probed, start = Probed(), cache(start)

    def measured(name: str, when: When, encoder: Encoder) -> Found:
        return FAMILIES[name].measure(
            Subject(stage=stage, when=when, encoder=encoder, work=work, place=place, profile=profile)
        )

    for name in place.probes:
        probed.add(stage, name, "after", measured(name, "after", work.encoder))
    for name in place.probes:
        family = FAMILIES[name]
        if not family.before(stage):
            continue
        known = (name, stage.parent, place.model, place.source, stage.precision, _random_seed(stage))
        found = _starts.get(known) if family.encoder_only else None
        if found is None:
            found = measured(name, "before", start())
        if family.encoder_only:
            _remember(known, found)
        probed.add(stage, name, "before", found)
    return probed


def _random_seed(stage: Stage) -> int | None:
    return stage.seed if stage.start["random"] else None


def _remember(known: tuple[object, ...], found: Found) -> None:
    _starts[known] = found
    _starts.move_to_end(known)
    if len(_starts) > REMEMBERED:
        _starts.popitem(last=False)


def _table(stage: Stage, family: str, when: When, found: Found) -> pa.Table:
    columns = {
        "stage": stage.key,
        "kind": stage.kind,
        "intermediate": stage.intermediate,
        "training": stage.task if stage.kind == "target" else None,
        "seed": stage.seed,
        "family": family,
        "when": when,
    }
    return probe_table(columns, map(asdict, found.readings))
