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

from spaces.columns import Status
from spaces.encoders import MiniatureRecipe
from spaces.prediction_columns import PREDICTIONS
from spaces.probe_columns import PROBES
from spaces.profile import PROFILES
from spaces.stage import TENTHS
from trainables.kinds.label_head import LabelHead, save_label_head
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.encoder_folder import encoder_fault
from trainables.models.kept_encoders import start_from
from trainables.probes.probing import Probed, probe
from trainables.probes.rows import write_probes
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.places import CHECKPOINT, ENCODER, LOCK, SCORES, Place, read_spec
from trainables.record.scores import score_rows, scores_file, seal
from trainables.record.tensor_file import write_tensors
from trainables.record.tested import Tested
from trainables.retrieval_stage import score_retrieval
from trainables.storage.base import Fill, LockedError, set_aside
from trainables.training.fine_tuning import degenerate, dev_rows, label_head, score_tests, start_training
from trainables.training.gpu_share import peak
from trainables.training.predictions import write_predictions
from trainables.training.pretraining import Pretraining
from trainables.training.schedule import end_of_tenth
from trainables.training.training import DivergedError, FineTuning

ORPHAN = 60.0  # seconds to wait for another process that has the stage open


class StageRun:
    """A stage under way in this process. While it is open no other process can work on it.

    `attempt` counts its tries, and `halvings` those that ended for want of memory: each halves the micro-batch, which
    leaves the batch as it is. One that is `packed` beside others on a GPU halves nothing: it gets a whole one first.
    """

    def __init__(self, place: Place, key: str, *, attempt: int = 1, halvings: int = 0, packed: bool = False) -> None:
        self.place, self.stage = place, read_spec(place, key)
        self.profile = PROFILES.find(self.stage.profile)
        self.attempt, self.halvings, self.packed = attempt, halvings, packed
        self.work: FineTuning | Pretraining | None = None
        self.curve: list[float] = []
        self.seconds = 0.0
        self.tested = Tested()
        self.probed = Probed()
        self.notes: list[str] = []
        # A worker that outlived a killed driver is waited for: it ends within seconds.
        try:
            self._lock = place.results.lock(place.name(key, LOCK), wait=ORPHAN)
        except LockedError as held:
            raise LockedError(
                f"stage {key} is held by {held} for more than {ORPHAN:.0f} s: end that process, then run again with "
                "--retry-failed."
            ) from held

    def close(self) -> None:
        """Give the stage free for other processes."""
        self._lock.release()
        self.work = None
        torch.cuda.empty_cache()  # the process lives on, and others may share the GPU; nothing happens without one
        if self.stage.kind == "pretrain":
            _return_memory()

    def advance(self) -> Outcome:
        """Do the next tenth (a retrieval stage is one piece) and tell how the stage stands.

        A stage that is done already is left alone. While it is under way its status is `stopped`: what it will be if
        nobody advances it further.
        """
        done = read_outcome(self.place, self.stage.key)
        if done is not None and done.status in ("finished", "degenerate"):
            return done
        began = time.monotonic()
        if self.stage.kind == "retrieval":
            self.tested = score_retrieval(self.stage, self._parent(), self.place, self.profile)
            return self._finish("finished", self.tested.rows, began)
        if self.work is None:
            self.work = self._open()
            if isinstance(self.work, FineTuning):
                self.work.at_most(self.work.recipe.batch_size >> self.halvings)
                self.work.may_halve = not self.packed
        try:
            if self.work.tenth < TENTHS:
                self.curve.append(self.work.advance())
        except DivergedError as diverged:
            return self._finish("degenerate", self._dev_rows(), began, reason=str(diverged))
        if self.work.tenth == TENTHS:
            return self._complete(began)
        self.seconds += time.monotonic() - began
        self._save()
        return self._outcome("stopped")

    def _complete(self, began: float) -> Outcome:
        """All tenths are trained: hand the best encoder on, score it in every language."""
        work = self.work
        assert work is not None
        if isinstance(work, Pretraining):
            self._hand_on(Encoder(work.encoder, work.tokenizer, words=work.head))
            return self._finish("finished", [], began)
        work.restore_best()
        if self.stage.kind == "intermediate":
            self._hand_on(work.encoder, label_head(work))
        self.tested = score_tests(self.stage, work, self.place, self.profile)
        reason = degenerate(work)
        tested = time.monotonic()
        self.probed = probe(self.stage, work, self.place, self.profile, self._parent)
        began += time.monotonic() - tested  # what is measured is no part of what the stage costs
        rows = self._dev_rows() + self.tested.rows
        return self._finish("finished" if reason is None else "degenerate", rows, began, reason=reason)

    def _finish(
        self, status: Status, measured: Sequence[dict[str, Any]], began: float, reason: str | None = None
    ) -> Outcome:
        self.seconds += time.monotonic() - began
        outcome = replace(self._outcome(status), reason=reason)
        rows = score_rows(self.stage, measured, status=status, reason=reason, steps=outcome.steps, seconds=self.seconds)
        content = scores_file(rows)
        outcome = replace(outcome, scores=seal(content))
        self._write(SCORES, lambda path: path.write_bytes(content))
        if self.tested.predictions:
            self._write(PREDICTIONS, partial(write_predictions, tables=self.tested.predictions))
        if self.probed.tables:
            self._write(PROBES, partial(write_probes, tables=self.probed.tables))
        write_outcome(self.place, outcome)
        self.place.results.remove(self._name(CHECKPOINT))
        return outcome

    def _name(self, file: str) -> str:
        return self.place.name(self.stage.key, file)

    def _write(self, file: str, fill: Fill) -> None:
        self.place.results.write_file(self._name(file), fill)

    def _hand_on(self, encoder: Encoder, head: LabelHead | None = None) -> None:
        def fill(folder: Path) -> None:
            save_encoder(encoder, folder)
            if head is not None:
                save_label_head(head, folder)

        self.place.results.write_folder(self._name(ENCODER), fill)

    def _outcome(self, status: Status) -> Outcome:
        tuned = self.work if isinstance(self.work, FineTuning) else None
        tenth = TENTHS if self.work is None else self.work.tenth
        notes = [
            *self.notes,
            *self.tested.notes,
            *self.probed.notes,
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
            memory=peak(),
        )

    def _dev_rows(self) -> list[dict[str, Any]]:
        assert isinstance(self.work, FineTuning)
        return dev_rows(self.stage, self.work)

    def _parent(self) -> Encoder:
        """The encoder that this stage starts from."""
        parent = self.stage.parent
        if parent is None and self.place.model is None:
            raise ValueError(f"stage {self.stage.key} has neither a parent nor a given encoder.")
        seed = self.stage.seed if self.stage.start["random"] else None
        with nullcontext(self.place.model) if parent is None else self._handed_on(parent) as place:
            return start_from(str(place), precision=self.stage.precision, random_seed=seed)

    @contextmanager
    def _handed_on(self, parent: str) -> Iterator[Path]:
        """The folder that the parent left. A damaged one is set aside, so that the parent can be trained again."""
        name = self.place.name(parent, ENCODER)
        again = "the same command with --retry-failed trains that stage again."
        try:
            with self.place.results.local(name) as folder:
                fault = encoder_fault(folder)
                if fault is None:
                    yield folder
                    return
        except FileNotFoundError as error:
            if self.place.results.has(name):
                raise
            raise ValueError(f"stage {parent} has left no encoder, or lost it: {again}") from error
        raise ValueError(f"{set_aside(self.place.results, name)} is a damaged encoder ({fault}): {again}")

    def _open(self) -> FineTuning | Pretraining:
        """The work from its last whole tenth, or from its beginning."""
        work, checkpoint = self._begin(), self._name(CHECKPOINT)
        if not self.place.results.has(checkpoint):
            return work
        try:
            with self.place.results.local(checkpoint) as path:
                state = load_file(path)
            curve, seconds = state.pop("run.curve").tolist(), float(state.pop("run.seconds"))
            work.load_state(state)
        except (torch.OutOfMemoryError, torch.AcceleratorError):  # RuntimeErrors that do not speak of the file
            raise
        except (SafetensorError, KeyError, RuntimeError, ValueError):
            set_aside(self.place.results, checkpoint)
            self.notes.append("its checkpoint was damaged and set aside: it began anew")
        else:
            self.curve, self.seconds = curve, seconds
            return work
        del work  # what was read into it is no beginning, and two of them may not fit into memory
        return self._begin()

    def _begin(self) -> FineTuning | Pretraining:
        if self.stage.kind == "pretrain":
            return self._pretraining()
        return start_training(self.stage, self._parent(), self.place, self.profile)

    def _pretraining(self) -> Pretraining:
        from trainables.miniature.world import world
        from trainables.training.miniature_encoder import start_pretraining

        source = self.place.source
        return start_pretraining(
            world(source.world_seed, source.null_world), MiniatureRecipe(**self.stage.recipe or {})
        )

    def _save(self) -> None:
        assert self.work is not None
        state = {
            **self.work.state(),
            "run.curve": torch.tensor(self.curve, dtype=torch.float64),
            "run.seconds": torch.tensor(self.seconds, dtype=torch.float64),
        }
        self._write(CHECKPOINT, partial(write_tensors, tensors=state))


def _return_memory() -> None:
    """Hand freed memory back to the system: the process lives on for other stages, and C's allocator would keep it."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
        if trim is not None:
            trim(0)
