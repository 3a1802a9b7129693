"""One stage from start to end: open it, advance it tenth by tenth, write its results. Knows nothing of Ray."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from spaces.activities import sum_cost
from spaces.checksum import checksum
from spaces.columns import Status
from spaces.encoders import PROFILES, STATE_COPIES
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import TENTHS
from spaces.untrained_phase import is_untrained
from trainables.models.encoder import Encoder
from trainables.preview import preview_if_due
from trainables.probes.probing import StageProbes, probe_stage
from trainables.record.checkpoints import Checkpoints
from trainables.record.context import SCORES, StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.position import PositionReporter, find_position
from trainables.record.results import TestResults, write_tables
from trainables.record.scores import build_score_rows, encode_scores
from trainables.retrieval_stage import score_retrieval
from trainables.shared_training import leave_trained_states
from trainables.stage_models import store_encoder, store_model
from trainables.stage_start import Training, load_parent, lock_stage, open_training
from trainables.storage.base import FillFunction
from trainables.training.fine_tuning import FineTuning
from trainables.training.losses import DivergedError
from trainables.training.pretraining import Pretraining
from trainables.training.schedule import end_of_tenth
from trainables.training_stage import (
    build_dev_rows,
    choose_trivial_answers,
    extract_label_head,
    find_degeneracy,
    score_tests,
)
from trainables.untrained_stage import build_untrained_encoder
from trainables.worker import memory
from trainables.worker.stage_clock import StageClock, spend


class StageRun:
    """A stage that is open in this process. Meanwhile no other process can work on it.

    `attempt` is the number of this try, and `oom_retries` the number of tries that ran out of memory: each halves the
    micro-batch, and the batch stays the same. `gpus` is its share of a GPU. A stage that is `packed` beside others does
    not halve the micro-batch: its next try gets a whole GPU instead. `targets` are the keys of target stages that are
    trained as this phase is. Raises LockedError if another process keeps the stage open for ORPHAN_WAIT.
    """

    def __init__(
        self,
        context: StageContext,
        key: str,
        *,
        attempt: int = 1,
        oom_retries: int = 0,
        gpus: float = 0.0,
        packed: bool = False,
        targets: Sequence[str] = (),
    ) -> None:
        self.context, self.stage = context, read_spec(context, key)
        self.profile = PROFILES.find(self.stage.profile)
        self.attempt, self.oom_retries, self.packed, self.targets = attempt, oom_retries, packed, tuple(targets)
        self.training: Training | None = None
        self.device, self.clock = memory.describe_device(gpus), StageClock()
        self.test_results, self.stage_probes, self.notes = TestResults(), StageProbes(), list[str]()
        self._lock = lock_stage(context, key)
        self.checkpoints = Checkpoints(context.results, context.folder_name(key))
        self._opened_tenth, self._has_ended, self._state_bytes, self._weight_bytes = 0, False, 0, 0
        self._reporter = PositionReporter(context, key, lambda: find_position(self.training, self.clock))

    def close(self) -> None:
        """Release the stage for other processes, once its state is written. Raises OSError if that failed."""
        try:
            self.checkpoints.finish()
        finally:
            self._reporter.close()
            self._lock.release()
            self.training = None
            torch.cuda.empty_cache()  # the process lives on, and others may share the GPU; nothing without one
            if self.stage.kind == "pretrain" or self._weight_bytes > memory.RELEASE_BYTES:
                memory.release_memory()

    @property
    def has_moved(self) -> bool:
        """True if another process would continue the stage later than this one did."""
        return self.checkpoints.saved_tenth > self._opened_tenth

    @property
    def _is_trained(self) -> bool:
        return self.stage.kind != "retrieval" and not is_untrained(self.stage.recipe)

    def resume(self) -> Outcome | None:
        """Return the stage's outcome so far if another process left some tenths of it; None if it is at its start."""
        if not self._is_trained or read_outcome(self.context, self.stage.key) is not None:
            return None
        with self.clock.running("loading"):
            self.training = self._open_training()
            return self._build_outcome("stopped") if self.training.tenth else None

    def advance(self) -> Outcome:
        """Train the next tenth, or do all of a stage without training, and return the stage's outcome so far.

        A stage that is done is not touched. Until then its status is `stopped`, which is final if it never goes on.
        """
        done = read_outcome(self.context, self.stage.key)
        if done is not None and done.status in ("finished", "degenerate"):
            return done
        with self.clock.running("training"):
            return self._advance()

    def _advance(self) -> Outcome:
        if self.stage.kind == "retrieval":
            encoder = load_parent(self.stage, self.context)
            with spend("test"):
                self.test_results = score_retrieval(self.stage, encoder, self.context, self.profile)
            reason = next(iter(self.test_results.degeneracies), None)
            status: Status = "finished" if reason is None else "degenerate"
            return self._finish(status, self.test_results.rows, reason=reason)
        if not self._is_trained:
            with spend("loading"):
                encoder = build_untrained_encoder(self.stage, self.context)
            store_encoder(self.stage.key, encoder, self.context)
            self.stage_probes = self._probe(encoder)
            return self._finish("finished", [])
        self.training = self.training or self._open_training()
        if self.training.tenth < TENTHS and self._preview():  # an earlier try came here, and no further
            return self._build_outcome("stopped")
        began = time.monotonic()
        try:
            if self.training.tenth < TENTHS:
                self.training.advance()
        except DivergedError as error:
            assert isinstance(self.training, FineTuning)
            return self._finish("degenerate", build_dev_rows(self.stage, self.training), reason=str(error))
        if self.checkpoints.is_due(self._state_bytes, time.monotonic() - began):
            self.save()
        if self.training.tenth == TENTHS:
            return self._complete(self.training)
        self._preview()
        return self._build_outcome("stopped")

    def save(self) -> None:
        """Write the state after the last tenth, if it is not written: on a GPU in the background."""
        assert self.training is not None
        if self.training.tenth == self.checkpoints.saved_tenth:
            return
        with self.clock.running("checkpoints"):
            state = replace(self.training.take_state(), spent=self.clock.read())
            self.checkpoints.write(state, in_background=memory.is_on_gpu(self.training.model))

    def pause(self) -> None:
        """Write the state after the last tenth, and wait for it, if the stage has not ended."""
        if self.training is not None and not self._has_ended:
            self.save()
            self.checkpoints.finish()

    def _complete(self, training: Training) -> Outcome:
        """Store the best encoder and score it in every language, after the last tenth."""
        if isinstance(training, Pretraining):
            encoder = Encoder(training.encoder, training.tokenizer, masked_word_head=training.head)
            store_encoder(self.stage.key, encoder, self.context)
            return self._finish("finished", [])
        training.restore_best()
        if self.stage.kind == "intermediate":
            store_encoder(self.stage.key, training.encoder, self.context, extract_label_head(training))
            with spend("storing"):
                leave_trained_states(training, self.stage.key, self.context)
        if self.stage.kind == "target" and self.context.keep_models:
            self.notes += store_model(self.stage.key, training, self.context)
        self._preview()
        with spend("test"):
            trivial = choose_trivial_answers(training)
            self.test_results = score_tests(self.stage, training, self.context, self.profile, trivial)
            reason = find_degeneracy(training, trivial, is_floor=bool(self.stage.start.get("random")))
        self.stage_probes = self._probe(training.encoder, training)
        rows = build_dev_rows(self.stage, training) + self.test_results.rows
        return self._finish("finished" if reason is None else "degenerate", rows, reason=reason)

    def _finish(self, status: Status, measured: Sequence[dict[str, Any]], reason: str | None = None) -> Outcome:
        """Write all results, the outcome last, and remove the checkpoint."""
        with spend("storing"):
            predictions, probes = self.test_results.predictions, self.stage_probes.tables
            for file, tables in ((PREDICTIONS_FILE, predictions), (PROBES_FILE, probes)):
                if tables:
                    self._write(file, partial(write_tables, tables=tables))
            outcome = replace(self._build_outcome(status), reason=reason)
            content = encode_scores(build_score_rows(self.stage, measured, outcome))
            outcome = replace(outcome, scores=checksum(content))
            self._write(SCORES, lambda path: path.write_bytes(content))
            write_outcome(self.context, outcome)
            self.checkpoints.discard()
            self._has_ended = True
        return outcome

    def _write(self, file: str, fill: FillFunction) -> None:
        self.context.results.write_file(self.context.file_name(self.stage.key, file), fill)

    def _build_outcome(self, status: Status) -> Outcome:
        tuning = self.training if isinstance(self.training, FineTuning) else None
        tenth, curve = (TENTHS, []) if self.training is None else (self.training.tenth, self.training.curve)
        spent = self.clock.read()
        notes = [*self.notes, *self.test_results.notes, *self.stage_probes.notes, tuning.note if tuning else None]
        return Outcome(
            key=self.stage.key,
            status=status,
            score=max(curve, default=None),
            tenth=tenth,
            best_tenth=tenth if tuning is None else tuning.selection.best_tenth,
            curve=tuple(curve),
            steps=0 if tuning is None else end_of_tenth(tenth, tuning.steps),
            seconds=sum_cost(spent),
            spent=spent,
            written=self.checkpoints.written_bytes,
            note="; ".join(filter(None, notes)) or None,
            attempts=self.attempt,
            device=self.device,
            memory=memory.read_peak_memory(),
        )

    @spend("probing")
    def _probe(self, encoder: Encoder, training: FineTuning | None = None) -> StageProbes:
        load_start = partial(load_parent, self.stage, self.context)
        return probe_stage(self.stage, encoder, training, self.context, self.profile, load_start)

    def _preview(self) -> bool:
        return preview_if_due(self.stage, self.training, self.context, self.profile)

    @spend("loading")
    def _open_training(self) -> Training:
        opened = open_training(self.stage, self.context, self.profile, self.targets)
        self.clock.add(opened.spent)
        self.checkpoints.written_bytes += opened.written
        self.notes += opened.notes
        training = opened.training
        self._opened_tenth = self.checkpoints.saved_tenth = training.tenth
        self._weight_bytes = memory.count_weight_bytes(training.model)
        self._state_bytes = STATE_COPIES * memory.count_weight_bytes(training.model, trained=True)
        if isinstance(training, FineTuning):
            training.limit_micro_batch(training.recipe.batch_size >> self.oom_retries)
            training.may_halve = not self.packed
        return training
