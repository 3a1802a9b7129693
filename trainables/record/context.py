"""The folder of a stage, and the context in which stages read and write.

stages/<key>/spec.json               the stage itself (its hash is the key)
             checkpoint/             exact state after a tenth, while the stage is under way (checkpoints.py)
             encoder/                encoder with the best English dev score, for the stages that start from it
             model/                  fine-tuned model of a target, with `--keep-models`
             scores.parquet          score rows
             predictions.parquet     predictions on the test sets, with `--predictions`
             probes.parquet          measurements of its encoders, with `--probes`
             preview.parquet         measurements of a phase on the targets, after `--preview`
             outcome.json            written last: the stage is done
             attempts.json           failed tries (search/board/attempts.py)
             position.json           how far it is within its present activity, while it runs (position.py)
             hang.txt                stacks of a worker that the watchdog ended; open while the stage is under way
             lock                    held by the worker that has the stage open

Tokenised data lie in the folder encoded/ (trainables/training/encoding.py), beside stages/ or on each machine's own
disk.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spaces.model_files import ENCODER_FOLDER, MODEL_FOLDER
from spaces.stage import Stage, stage_from_json
from trainables.data.task_data import DataSource
from trainables.storage.base import Storage, is_remote, quarantine, write_text
from trainables.storage.temporary import make_user_folder

CHECKPOINT = "checkpoint"
ENCODER = ENCODER_FOLDER
HANG_REPORT = "hang.txt"
LOCK = "lock"
MODEL = MODEL_FOLDER
POSITION = "position.json"
SCORES = "scores.parquet"
SPEC = "spec.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """The places where stages read and write, and what they keep. None of it is part of their keys."""

    results: Storage
    source: DataSource
    model: str | None = None  # hub id or folder of a given encoder
    ready_encoders: Mapping[str, str] = field(default_factory=dict)  # hub id or folder of each, by its name in chains
    hub_record: str | None = None  # file in the results that tells workers the commits of the hub's repositories
    keep_predictions: bool = False  # keep the predictions on the test sets
    keep_models: bool = False  # keep the fine-tuned models of targets
    target_dev: bool = False  # score the dev sets of other languages
    probes: tuple[str, ...] = ()  # families of probes that measure finished stages
    preview_tenth: int = 0  # after which phases are measured on the targets of a preview; 0: no preview
    preview_targets: tuple[str, ...] = ()  # their stages as JSON; the seed is that of the phase
    packages: tuple[str, ...] = ()  # that methods need beside those of every sweep
    scratch: str | None = None  # folder on each machine's own disk, for files that can be made again

    def folder_name(self, key: str) -> str:
        """Return the storage name of a stage's folder."""
        return f"stages/{key}"

    def file_name(self, key: str, file: str) -> str:
        """Return the storage name of one of a stage's files."""
        return f"{self.folder_name(key)}/{file}"

    @property
    def encoded_folder(self) -> Path:
        """The local folder of the tokenised data, which all workers of a machine map into memory."""
        return (self._results_folder if self.scratch is None else Path(self.scratch)) / "encoded"

    def hang_path(self, key: str) -> Path:
        """Return the local path of the watchdog's report: it stays open, which object storage does not allow."""
        return self._results_folder / self.file_name(key, HANG_REPORT)

    @property
    def _results_folder(self) -> Path:
        """The results folder, or a local folder if the results are in object storage."""
        if not is_remote(self.results.url):
            return Path(self.results.url)
        digest = hashlib.sha256(self.results.url.encode()).hexdigest()[:8]
        return make_user_folder() / digest


def write_spec(context: StageContext, stage: Stage) -> str | None:
    """Write the stage's specification, by which workers open it by its key.

    A file with other contents is quarantined, and its new name is returned; None if there was no such file.
    """
    name = context.file_name(stage.key, SPEC)
    content = context.results.read(name)
    if content == stage.to_json().encode():
        return None
    quarantined = None if content is None else quarantine(context.results, name)
    write_text(context.results, name, stage.to_json())
    return quarantined


def read_spec(context: StageContext, key: str) -> Stage:
    """Read the stage of a folder; raises ValueError if its contents do not hash to the folder's name."""
    name = context.file_name(key, SPEC)
    stage = stage_from_json((context.results.read(name) or b"").decode())
    if stage.key != key:
        raise ValueError(f"{name} was changed: it belongs to stage {stage.key}. Start the sweep again.")
    return stage
