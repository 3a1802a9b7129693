"""One stage from start to end: open it, advance it tenth by tenth, write what it leaves. Knows nothing of Ray."""

import ctypes
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from spaces.checksum import checksum
from spaces.columns import Status
from spaces.encoders import PROFILES, MiniatureRecipe
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import TENTHS
from trainables.kinds.label_head import LabelHead, save_label_head
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.encoder_cache import load_cached_encoder
from trainables.models.encoder_folder import find_encoder_fault
from trainables.probes.probe_file import write_probes
from trainables.probes.probing import StageProbes, probe_stage
from trainables.record.context import CHECKPOINT, ENCODER, LOCK, SCORES, StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.results import TestResults
from trainables.record.scores import build_score_rows, encode_scores
from trainables.record.tensor_file import write_tensors
from trainables.retrieval_stage import score_retrieval
from trainables.storage.base import FillFunction, LockedError, quarantine
from trainables.training.fine_tuning import DivergedError, FineTuning
from trainables.training.gpu_share import read_peak_memory
from trainables.training.predictions import write_predictions
from trainables.training.pretraining import Pretraining
from trainables.training.schedule import end_of_tenth
from trainables.training_stage import (
    build_dev_rows,
    extract_label_head,
    find_degeneracy,
    score_tests,
    start_training,
)

ORPHAN_WAIT = 60.0  # seconds to wait for another process that has the stage open


class StageRun:
    """A stage under way in this process. While it is open no other process can work on it.

    `attempt` counts its tries, and `oom_retries` those that ended for want of memory: each halves the micro-batch, which
    leaves the batch as it is. One that is `packed` beside others on a GPU halves nothing: it gets a whole one first.
    """

    def __init__(
        self, place: StageContext, key: str, *, attempt: int = 1, oom_retries: int = 0, packed: bool = False
    ) -> None:
        self.context, self.stage = place, read_spec(place, key)
        self.profile = PROFILES.find(self.stage.profile)
        self.attempt, self.oom_retries, self.packed = attempt, oom_retries, packed
        self.training: FineTuning | Pretraining | None = None
        self.curve: list[float] = []
        self.seconds = 0.0
        self.test_results = TestResults()
        self.stage_probes = StageProbes()
        self.notes: list[str] = []
        # A worker that outlived a killed driver is waited for: it ends within seconds.
        try:
            self._lock = place.results.lock(place.file_name(key, LOCK), wait=ORPHAN_WAIT)
        except LockedError as held:
            raise LockedError(
                f"stage {key} is held by {held} for more than {ORPHAN_WAIT:.0f} s: end that process, then run again with "
                "--retry-failed."
            ) from held

    def close(self) -> None:
        """Give the stage free for other processes."""
        self._lock.release()
        self.training = None
        torch.cuda.empty_cache()  # the process lives on, and others may share the GPU; nothing happens without one
        if self.stage.kind == "pretrain":
            _release_memory()

    def advance(self) -> Outcome:
        """Do the next tenth (a retrieval stage is one piece) and tell how the stage stands.

        A stage that is done already is left alone. While it is under way its status is `stopped`: what it will be if
        nobody advances it further.
        """
        done = read_outcome(self.context, self.stage.key)
        if done is not None and done.status in ("finished", "degenerate"):
            return done
        began = time.monotonic()
        if self.stage.kind == "retrieval":
            self.test_results = score_retrieval(self.stage, self._load_parent(), self.context, self.profile)
            return self._finish("finished", self.test_results.rows, began)
        if self.training is None:
            self.training = self._open_training()
            if isinstance(self.training, FineTuning):
                self.training.limit_micro_batch(self.training.recipe.batch_size >> self.oom_retries)
                self.training.may_halve = not self.packed
        try:
            if self.training.tenth < TENTHS:
                self.curve.append(self.training.advance())
        except DivergedError as diverged:
            return self._finish("degenerate", self._build_dev_rows(), began, reason=str(diverged))
        if self.training.tenth == TENTHS:
            return self._complete(began)
        self.seconds += time.monotonic() - began
        self._save_checkpoint()
        return self._build_outcome("stopped")

    def _complete(self, began: float) -> Outcome:
        """All tenths are trained: hand the best encoder on, score it in every language."""
        work = self.training
        assert work is not None
        if isinstance(work, Pretraining):
            self._store_encoder(Encoder(work.encoder, work.tokenizer, masked_word_head=work.head))
            return self._finish("finished", [], began)
        work.restore_best()
        if self.stage.kind == "intermediate":
            self._store_encoder(work.encoder, extract_label_head(work))
        self.test_results = score_tests(self.stage, work, self.context, self.profile)
        reason = find_degeneracy(work)
        tested = time.monotonic()
        self.stage_probes = probe_stage(self.stage, work, self.context, self.profile, self._load_parent)
        began += time.monotonic() - tested  # what is measured is no part of what the stage costs
        rows = self._build_dev_rows() + self.test_results.rows
        return self._finish("finished" if reason is None else "degenerate", rows, began, reason=reason)

    def _finish(
        self, status: Status, measured: Sequence[dict[str, Any]], began: float, reason: str | None = None
    ) -> Outcome:
        self.seconds += time.monotonic() - began
        outcome = replace(self._build_outcome(status), reason=reason)
        rows = build_score_rows(
            self.stage, measured, status=status, reason=reason, steps=outcome.steps, seconds=self.seconds
        )
        content = encode_scores(rows)
        outcome = replace(outcome, scores=checksum(content))
        self._write(SCORES, lambda path: path.write_bytes(content))
        if self.test_results.predictions:
            self._write(PREDICTIONS_FILE, partial(write_predictions, tables=self.test_results.predictions))
        if self.stage_probes.tables:
            self._write(PROBES_FILE, partial(write_probes, tables=self.stage_probes.tables))
        write_outcome(self.context, outcome)
        self.context.results.remove(self._name(CHECKPOINT))
        return outcome

    def _name(self, file: str) -> str:
        return self.context.file_name(self.stage.key, file)

    def _write(self, file: str, fill: FillFunction) -> None:
        self.context.results.write_file(self._name(file), fill)

    def _store_encoder(self, encoder: Encoder, head: LabelHead | None = None) -> None:
        def fill(folder: Path) -> None:
            save_encoder(encoder, folder)
            if head is not None:
                save_label_head(head, folder)

        self.context.results.write_folder(self._name(ENCODER), fill)

    def _build_outcome(self, status: Status) -> Outcome:
        tuned = self.training if isinstance(self.training, FineTuning) else None
        tenth = TENTHS if self.training is None else self.training.tenth
        notes = [
            *self.notes,
            *self.test_results.notes,
            *self.stage_probes.notes,
            *([tuned.note] if tuned is not None and tuned.note else []),
        ]
        return Outcome(
            key=self.stage.key,
            status=status,
            score=max(self.curve, default=None),
            tenth=tenth,
            best_tenth=tenth if tuned is None else tuned.best_tenth,
            curve=tuple(self.curve),
            steps=0 if tuned is None else end_of_tenth(tenth, tuned.steps),
            seconds=self.seconds,
            note="; ".join(notes) or None,
            attempts=self.attempt,
            memory=read_peak_memory(),
        )

    def _build_dev_rows(self) -> list[dict[str, Any]]:
        assert isinstance(self.training, FineTuning)
        return build_dev_rows(self.stage, self.training)

    def _load_parent(self) -> Encoder:
        """The encoder that this stage starts from."""
        parent = self.stage.parent
        if parent is None and self.context.model is None:
            raise ValueError(f"stage {self.stage.key} has neither a parent nor a given encoder.")
        seed = self.stage.seed if self.stage.start["random"] else None
        with nullcontext(self.context.model) if parent is None else self._open_parent_folder(parent) as place:
            return load_cached_encoder(str(place), precision=self.stage.precision, random_seed=seed)

    @contextmanager
    def _open_parent_folder(self, parent: str) -> Iterator[Path]:
        """The folder that the parent left. A damaged one is set aside, so that the parent can be trained again."""
        name = self.context.file_name(parent, ENCODER)
        again = "the same command with --retry-failed trains that stage again."
        try:
            with self.context.results.open_local(name) as folder:
                fault = find_encoder_fault(folder)
                if fault is None:
                    yield folder
                    return
        except FileNotFoundError as error:
            if self.context.results.has(name):
                raise
            raise ValueError(f"stage {parent} has left no encoder, or lost it: {again}") from error
        raise ValueError(f"{quarantine(self.context.results, name)} is a damaged encoder ({fault}): {again}")

    def _open_training(self) -> FineTuning | Pretraining:
        """The work from its last whole tenth, or from its beginning."""
        work, checkpoint = self._begin_training(), self._name(CHECKPOINT)
        if not self.context.results.has(checkpoint):
            return work
        try:
            with self.context.results.open_local(checkpoint) as path:
                state = load_file(path)
            curve, seconds = state.pop("run.curve").tolist(), float(state.pop("run.seconds"))
            work.load_state_dict(state)
        except (torch.OutOfMemoryError, torch.AcceleratorError):  # RuntimeErrors that do not speak of the file
            raise
        except (SafetensorError, KeyError, RuntimeError, ValueError):
            quarantine(self.context.results, checkpoint)
            self.notes.append("its checkpoint was damaged and set aside: it began anew")
        else:
            self.curve, self.seconds = curve, seconds
            return work
        del work  # what was read into it is no beginning, and two of them may not fit into memory
        return self._begin_training()

    def _begin_training(self) -> FineTuning | Pretraining:
        if self.stage.kind == "pretrain":
            return self._begin_pretraining()
        return start_training(self.stage, self._load_parent(), self.context, self.profile)

    def _begin_pretraining(self) -> Pretraining:
        from trainables.miniature.world import build_world
        from trainables.training.miniature_encoder import start_pretraining

        source = self.context.source
        return start_pretraining(
            build_world(source.world_seed, source.null_world), MiniatureRecipe(**self.stage.recipe or {})
        )

    def _save_checkpoint(self) -> None:
        assert self.training is not None
        state = {
            **self.training.state_dict(),
            "run.curve": torch.tensor(self.curve, dtype=torch.float64),
            "run.seconds": torch.tensor(self.seconds, dtype=torch.float64),
        }
        self._write(CHECKPOINT, partial(write_tensors, tensors=state))


def _release_memory() -> None:
    """Hand freed memory back to the system: the process lives on for other stages, and C's allocator would keep it."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
        if trim is not None:
            trim(0)
