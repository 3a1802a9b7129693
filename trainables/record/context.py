"""The folder of a stage, and what lies in it.

stages/<key>/spec.json               the stage itself (its hash is the key)
             checkpoint.safetensors  exact state after the last tenth, while the stage is under way
             encoder/                encoder with the best English dev score, for the stages that start from it
             scores.parquet          score rows
             predictions.parquet     what it predicted on the test sets, with `--predictions`
             probes.parquet          what was measured in its encoders, with `--probes`
             outcome.json            written last: the stage is done
             attempts.json           tries that failed (search/board/attempts.py)
             hang.txt                open while the stage is under way: stacks of a worker that the watchdog ended
             lock                    held by the worker that has the stage open

Tokenised data lie in the folder encoded/ (trainables/training/encoding.py): beside them, or on each machine's own disk.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from spaces.stage import Stage, stage_from_json
from trainables.data.task_data import DataSource
from trainables.storage.base import Storage, is_remote, quarantine, write_text
from trainables.storage.temporary import make_user_folder

CHECKPOINT = "checkpoint.safetensors"
ENCODER = "encoder"
HANG_REPORT = "hang.txt"
LOCK = "lock"
SCORES = "scores.parquet"
SPEC = "spec.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """Where stages read and write: no part of their keys."""

    results: Storage
    source: DataSource
    model: str | None = None  # hub id or folder of a given encoder
    keep_predictions: bool = False  # keep what is predicted on the test sets
    probes: tuple[str, ...] = ()  # families of probes that finished stages are measured with
    scratch: str | None = None  # folder on each machine's own disk, for what can be made again

    def file_name(self, key: str, file: str) -> str:
        """The name of one of a stage's files."""
        return f"stages/{key}/{file}"

    @property
    def encoded_folder(self) -> Path:
        """The folder of the tokenised data that all workers of a machine share: it is mapped into memory."""
        return (self._results_folder if self.scratch is None else Path(self.scratch)) / "encoded"

    def hang_path(self, key: str) -> Path:
        """Where a worker's watchdog writes: a file that is open all the time, which object storage does not have."""
        return self._results_folder / self.file_name(key, HANG_REPORT)

    @property
    def _results_folder(self) -> Path:
        """The results folder, or for object storage one of this machine."""
        if not is_remote(self.results.url):
            return Path(self.results.url)
        digest = hashlib.sha256(self.results.url.encode()).hexdigest()[:8]
        return make_user_folder() / digest


def write_spec(place: StageContext, stage: Stage) -> str | None:
    """Lay the stage's folder out, so that a worker can open it by its key.

    A file that says anything else is set aside: its new name is returned.
    """
    name = place.file_name(stage.key, SPEC)
    found = place.results.read(name)
    if found == stage.to_json().encode():
        return None
    aside = None if found is None else quarantine(place.results, name)
    write_text(place.results, name, stage.to_json())
    return aside


def read_spec(place: StageContext, key: str) -> Stage:
    """The stage of a folder; raises ValueError if its contents do not hash to the folder's name."""
    name = place.file_name(key, SPEC)
    stage = stage_from_json((place.results.read(name) or b"").decode())
    if stage.key != key:
        raise ValueError(f"{name} belongs to stage {stage.key}: it was changed; start the sweep again.")
    return stage
