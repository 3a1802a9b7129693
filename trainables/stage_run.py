"""One stage from start to end: open it, advance it tenth by tenth, write its results. Knows nothing of Ray."""

import ctypes
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from spaces.checksum import checksum
from spaces.columns import Status
from spaces.encoders import PROFILES
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import TENTHS
from trainables.kinds.label_head import LabelHead, save_label_head
from trainables.models.encoder import Encoder, save_encoder
from trainables.probes.probing import StageProbes, probe_stage
from trainables.record.context import CHECKPOINT, ENCODER, LOCK, SCORES, StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.results import TestResults, write_tables
from trainables.record.scores import build_score_rows, encode_scores
from trainables.retrieval_stage import score_retrieval
from trainables.stage_start import Training, load_parent, open_training, save_checkpoint
from trainables.storage.base import FillFunction, LockedError
from trainables.training.fine_tuning import DivergedError, FineTuning
from trainables.training.memory import read_peak_memory
from trainables.training.pretraining import Pretraining
from trainables.training.schedule import end_of_tenth
from trainables.training_stage import (
    build_dev_rows,
    choose_trivial_answers,
    extract_label_head,
    find_degeneracy,
    score_tests,
)

ORPHAN_WAIT = 60.0  # seconds to wait for another process that has the stage open


class StageRun:
    """A stage that is open in this process. Meanwhile no other process can work on it.

    `attempt` is the number of this try, and `oom_retries` the number of tries that ran out of memory: each halves the
    micro-batch, and the batch stays the same. A stage that is `packed` beside others on a GPU does not halve it: its
    next try gets a whole GPU instead. Raises LockedError if another process keeps the stage open for ORPHAN_WAIT.
    """

    def __init__(
        self, context: StageContext, key: str, *, attempt: int = 1, oom_retries: int = 0, packed: bool = False
    ) -> None:
        self.context, self.stage = context, read_spec(context, key)
        self.profile = PROFILES.find(self.stage.profile)
        self.attempt, self.oom_retries, self.packed = attempt, oom_retries, packed
        self.training: Training | None = None
        self.curve: list[float] = []
        self.seconds = 0.0
        self.test_results = TestResults()
        self.stage_probes = StageProbes()
        self.notes: list[str] = []
        # A worker that outlived a killed driver is waited for: it ends within seconds.
        try:
            self._lock = context.results.lock(context.file_name(key, LOCK), wait=ORPHAN_WAIT)
        except LockedError as holder:
            raise LockedError(
                f"stage {key} is held by {holder} for more than {ORPHAN_WAIT:.0f} s. End that process, then run the "
                "same command again with --retry-failed."
            ) from holder

    def close(self) -> None:
        """Release the stage for other processes."""
        self._lock.release()
        self.training = None
        torch.cuda.empty_cache()  # the process lives on, and others may share the GPU; nothing happens without one
        if self.stage.kind == "pretrain":
            _release_memory()

    def advance(self) -> Outcome:
        """Train the next tenth, or do all of a retrieval stage, and return the stage's outcome so far.

        A stage that is done is not touched. Before its end a stage's status is `stopped`: its final status if it is
        never advanced again.
        """
        done = read_outcome(self.context, self.stage.key)
        if done is not None and done.status in ("finished", "degenerate"):
            return done
        began = time.monotonic()
        if self.stage.kind == "retrieval":
            self.test_results = score_retrieval(self.stage, self._load_parent(), self.context, self.profile)
            reason = next(iter(self.test_results.degeneracies), None)
            status: Status = "finished" if reason is None else "degenerate"
            return self._finish(status, self.test_results.rows, began, reason=reason)
        if self.training is None:
            self.training = self._open_training()
        try:
            if self.training.tenth < TENTHS:
                self.curve.append(self.training.advance())
        except DivergedError as error:
            assert isinstance(self.training, FineTuning)
            return self._finish("degenerate", build_dev_rows(self.stage, self.training), began, reason=str(error))
        if self.training.tenth == TENTHS:
            return self._complete(self.training, began)
        self.seconds += time.monotonic() - began
        self._save_checkpoint()
        return self._build_outcome("stopped")

    def _complete(self, training: Training, began: float) -> Outcome:
        """Store the best encoder and score it in every language, after the last tenth."""
        if isinstance(training, Pretraining):
            self._store_encoder(Encoder(training.encoder, training.tokenizer, masked_word_head=training.head))
            return self._finish("finished", [], began)
        training.restore_best()
        if self.stage.kind == "intermediate":
            self._store_encoder(training.encoder, extract_label_head(training))
        trivial = choose_trivial_answers(training)
        self.test_results = score_tests(self.stage, training, self.context, self.profile, trivial)
        reason = find_degeneracy(training, trivial, is_floor=bool(self.stage.start.get("random")))
        probing_began = time.monotonic()
        self.stage_probes = probe_stage(self.stage, training, self.context, self.profile, self._load_parent)
        began += time.monotonic() - probing_began  # probes are no part of a stage's cost
        rows = build_dev_rows(self.stage, training) + self.test_results.rows
        return self._finish("finished" if reason is None else "degenerate", rows, began, reason=reason)

    def _finish(
        self, status: Status, measured: Sequence[dict[str, Any]], began: float, reason: str | None = None
    ) -> Outcome:
        """Write all results, the outcome last, and remove the checkpoint."""
        self.seconds += time.monotonic() - began
        outcome = replace(self._build_outcome(status), reason=reason)
        rows = build_score_rows(
            self.stage, measured, status=status, reason=reason, steps=outcome.steps, seconds=self.seconds
        )
        content = encode_scores(rows)
        outcome = replace(outcome, scores=checksum(content))
        self._write(SCORES, lambda path: path.write_bytes(content))
        if self.test_results.predictions:
            self._write(PREDICTIONS_FILE, partial(write_tables, tables=self.test_results.predictions))
        if self.stage_probes.tables:
            self._write(PROBES_FILE, partial(write_tables, tables=self.stage_probes.tables))
        write_outcome(self.context, outcome)
        self.context.results.remove(self._name(CHECKPOINT))
        return outcome

    def _name(self, file: str) -> str:
        return self.context.file_name(self.stage.key, file)

    def _write(self, file: str, fill: FillFunction) -> None:
        self.context.results.write_file(self._name(file), fill)

    def _store_encoder(self, encoder: Encoder, label_head: LabelHead | None = None) -> None:
        def fill(folder: Path) -> None:
            save_encoder(encoder, folder)
            if label_head is not None:
                save_label_head(label_head, folder)

        self.context.results.write_folder(self._name(ENCODER), fill)

    def _build_outcome(self, status: Status) -> Outcome:
        fine_tuning = self.training if isinstance(self.training, FineTuning) else None
        tenth = TENTHS if self.training is None else self.training.tenth
        notes = [*self.notes, *self.test_results.notes, *self.stage_probes.notes]
        if fine_tuning is not None and fine_tuning.note:
            notes.append(fine_tuning.note)
        return Outcome(
            key=self.stage.key,
            status=status,
            score=max(self.curve, default=None),
            tenth=tenth,
            best_tenth=tenth if fine_tuning is None else fine_tuning.best_tenth,
            curve=tuple(self.curve),
            steps=0 if fine_tuning is None else end_of_tenth(tenth, fine_tuning.steps),
            seconds=self.seconds,
            note="; ".join(notes) or None,
            attempts=self.attempt,
            memory=read_peak_memory(),
        )

    def _load_parent(self) -> Encoder:
        return load_parent(self.stage, self.context)

    def _open_training(self) -> Training:
        opened = open_training(self.stage, self.context, self.profile)
        self.curve, self.seconds = opened.curve, opened.seconds
        self.notes += opened.notes
        if isinstance(opened.training, FineTuning):
            opened.training.limit_micro_batch(opened.training.recipe.batch_size >> self.oom_retries)
            opened.training.may_halve = not self.packed
        return opened.training

    def _save_checkpoint(self) -> None:
        assert self.training is not None
        save_checkpoint(self.stage, self.context, self.training, self.curve, self.seconds)


def _release_memory() -> None:
    """Return freed memory to the system: the process lives on for other stages, and C's allocator would keep it."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
        if trim is not None:
            trim(0)
