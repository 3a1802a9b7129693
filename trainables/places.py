"""The folder of a stage, and what lies in it.

stages/<key>/spec.json               the stage itself (its hash is the key)
             checkpoint.safetensors  exact state after the last tenth, while the stage is under way
             encoder/                encoder with the best English dev score, for the stages that start from it
             scores.parquet          score rows
             predictions.parquet     what it predicted on the test sets, with `--predictions`
             outcome.json            written last: the stage is done
             attempts.json           tries that failed (search/attempts.py)
             hang.txt                stacks of a worker that the watchdog ended

Beside them lies encoded/, the tokenised data of all stages (trainables/encoded.py).
"""

from dataclasses import dataclass
from pathlib import Path

from spaces.stage import Stage, stage_from_json
from trainables.data import Source
from trainables.files import write_text

CHECKPOINT = "checkpoint.safetensors"
ENCODER = "encoder"
HANG = "hang.txt"
SCORES = "scores.parquet"
SPEC = "spec.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where stages read and write: no part of their keys."""

    results: Path
    source: Source
    model: str | None = None  # hub id or folder of a given encoder
    predictions: bool = False  # keep what is predicted on the test sets

    def folder(self, key: str) -> Path:
        """The folder of a stage."""
        return self.results / "stages" / key

    @property
    def encoded(self) -> Path:
        """The folder of the tokenised data that all workers share."""
        return self.results / "encoded"


def write_spec(place: Place, stage: Stage) -> None:
    """Lay the stage's folder out, so that a worker can open it by its key."""
    path = place.folder(stage.key) / SPEC
    if not path.exists():
        write_text(path, stage.to_json())


def read_spec(place: Place, key: str) -> Stage:
    """The stage of a folder; raises ValueError if its contents do not hash to the folder's name."""
    path = place.folder(key) / SPEC
    stage = stage_from_json(path.read_text(encoding="utf-8"))
    if stage.key != key:
        raise ValueError(f"{path} belongs to stage {stage.key}: it was changed; remove the folder.")
    return stage
