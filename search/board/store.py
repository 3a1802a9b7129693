"""The outcomes of stages on disk. The truth about a sweep lies here and nowhere else.

Damaged files are moved aside and reported, and their contents are made again: here if that needs no training, else by
running the stage again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from search.board.attempts import ATTEMPTS_FILE, Attempt, attempts_from_json, attempts_to_json
from search.board.journal import OutcomeJournal
from spaces.checksum import checksum, size_in_checksum
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import OUTCOME_FILE, Stage
from trainables.models.encoder_folder import find_encoder_fault
from trainables.record.context import CHECKPOINT, ENCODER, MODEL, SCORES, SPEC, StageContext, write_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.results import families_in
from trainables.record.scores import build_score_rows, encode_scores, find_rows_fault, has_foreign_dev
from trainables.storage.base import is_remote, quarantine, write_text
from trainables.storage.local_storage import LocalStorage
from trainables.worker.failures import HANG, Failure


class Store:
    """The stages' folders below the results folder."""

    def __init__(self, context: StageContext, sweep: str | None = None, *, read_only: bool = False) -> None:
        """With `read_only`, as for a plan, nothing is changed: stages with damaged files only count as not done.

        `sweep` is the name of the sweep that has a journal of its outcomes.
        """
        self.context, self.read_only = context, read_only
        self._journal = None
        if sweep is not None and isinstance(context.results, LocalStorage):
            self._journal = OutcomeJournal(context.results, sweep, read_only=read_only)
        self.damage: list[str] = []  # damaged files found so far, one line each
        self._rerun_for_encoder: set[str] = set()  # stages that run again to restore their encoders

    def load_outcome(self, key: str) -> Outcome | None:
        """Return the outcome of a stage; None if it has not ended.

        A damaged file is moved aside, and the stage counts as not done. Raises UsageError for an outcome written by a
        newer version of this program.
        """
        try:
            return read_outcome(self.context, key)
        except UsageError:
            raise
        except ValueError as error:
            self._quarantine_damaged(self.context.file_name(key, OUTCOME_FILE), f"{error}; the stage runs again")
            return None

    def load_verified_outcome(self, stage: Stage) -> Outcome | None:
        """Return the outcome of a stage that ended before this start, like `load_outcome`, and verify its other files.

        A damaged specification is rewritten, and so are score rows that need no training. A stage whose other score
        rows are damaged counts as not done. Files that have not changed since they were verified are not read.
        """
        known = None if self._journal is None else self._journal.find(stage.key)
        if known is not None:
            return known
        outcome = self._load_and_verify(stage)
        if outcome is not None:
            self.note_end(outcome)
        return outcome

    def note_end(self, outcome: Outcome) -> None:
        """Note the end of a stage, so that the next start need not verify its files."""
        if self._journal is not None:
            self._journal.add(outcome)

    def _load_and_verify(self, stage: Stage) -> Outcome | None:
        outcome = self.load_outcome(stage.key)
        if outcome is None:
            return None
        sizes, spec = self._sizes_at_start, self.context.file_name(stage.key, SPEC)
        if not self.read_only and (sizes is None or sizes.get(spec) != len(stage.to_json())):
            self.prepare_stage(stage)
        fault = self._find_scores_fault(outcome)
        if fault is None:
            return outcome
        scores = self.context.file_name(stage.key, SCORES)
        if outcome.status in ("stopped", "failed"):
            self._quarantine_damaged(scores, f"{scores} {fault}; it was rewritten")
            return outcome if self.read_only else self._write_scores_and_outcome(stage, outcome)
        self._quarantine_damaged(scores, f"{scores} {fault}; the stage runs again")
        self.reopen(stage.key)
        return None

    def _find_scores_fault(self, outcome: Outcome) -> str | None:
        """Return a fault of a stage's score rows, None if there is none. In object storage only their size is read."""
        scores = self.context.file_name(outcome.key, SCORES)
        if self._sizes_at_start is not None and outcome.scores is not None:
            size = self._sizes_at_start.get(scores)
            if size is None:
                return "is missing"
            return None if size == size_in_checksum(outcome.scores) else "has another size than its stage recorded"
        content = self.context.results.read(scores)
        if content is None:
            return "is missing"
        if outcome.scores is None:  # written by an older version
            return find_rows_fault(content, outcome.key)
        return None if checksum(content) == outcome.scores else "is damaged: its checksum is not the recorded one"

    @cached_property
    def _sizes_at_start(self) -> dict[str, int] | None:
        """Sizes of the files in all stages' folders at the start; None on a disk, where reading a file is cheap."""
        return self.context.results.list_sizes("stages") if is_remote(self.context.results.url) else None

    def _quarantine_damaged(self, name: str, line: str) -> None:
        if not self.read_only:
            moved_to = [quarantine(self.context.results, name)] if self.context.results.has(name) else []
            self.damage.append(" -> ".join([line, *moved_to]))

    def prepare_stage(self, stage: Stage) -> None:
        """Prepare the stage's folder for a worker."""
        moved_to = write_spec(self.context, stage)
        if moved_to is not None:
            self.damage.append(f"{self.context.file_name(stage.key, SPEC)} is damaged; it was rewritten -> {moved_to}")

    def has_encoder(self, key: str) -> bool:
        """Return True if the stage's encoder is there and whole. A damaged one is moved aside.

        In object storage its contents are not checked here, but by the stages that load it.
        """
        name = self.context.file_name(key, ENCODER)
        if not self.context.results.has(name):
            return False
        if is_remote(self.context.results.url):
            return True
        with self.context.results.open_local(name) as folder:
            fault = find_encoder_fault(folder)
        if fault is None or key in self._rerun_for_encoder:  # once is enough: its children report the fault
            return True
        self._rerun_for_encoder.add(key)
        self._quarantine_damaged(name, f"{name} is damaged: {fault}; the stage runs again")
        return False

    def has_predictions(self, key: str) -> bool:
        """Return True if the stage left its predictions."""
        return self.context.results.has(self.context.file_name(key, PREDICTIONS_FILE))

    def has_probes(self, key: str) -> bool:
        """Return True if the stage was measured with all requested families of probes."""
        content = self.context.results.read(self.context.file_name(key, PROBES_FILE))
        return content is not None and set(self.context.probes) <= families_in(content)

    def has_target_dev(self, key: str) -> bool:
        """Return True if the stage left dev scores of languages other than English."""
        content = self.context.results.read(self.context.file_name(key, SCORES))
        return content is not None and has_foreign_dev(content)

    def reopen(self, key: str) -> None:
        """Move a stage's outcome and attempts aside: it must run again for its encoder or rows, or is to be retried."""
        if self.read_only:
            return
        for name in (self.context.file_name(key, OUTCOME_FILE), self.context.file_name(key, ATTEMPTS_FILE)):
            if self.context.results.has(name):
                quarantine(self.context.results, name, "reopened")

    def load_attempts(self, key: str) -> tuple[Attempt, ...]:
        """Return the failed attempts at a stage. A damaged file is moved aside, and no attempts are counted."""
        name = self.context.file_name(key, ATTEMPTS_FILE)
        content = self.context.results.read(name)
        try:
            return () if content is None else attempts_from_json(content.decode())
        except ValueError:
            self._quarantine_damaged(name, f"{name} is damaged; no failed attempts are counted")
            return ()

    def add_attempt(self, key: str, attempt: Attempt) -> tuple[Attempt, ...]:
        """Record a failed attempt; returns all of the stage's failed attempts."""
        all_attempts = (*self.load_attempts(key), attempt)
        name = self.context.file_name(key, ATTEMPTS_FILE)
        write_text(self.context.results, name, attempts_to_json(all_attempts))
        return all_attempts

    def pop_hang_failure(self, key: str) -> Failure | None:
        """Remove the watchdog's report and return it as a failure; None if the watchdog did not end the worker."""
        path = self.context.hang_path(key)
        stacks = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
        limit = re.match(r"Timeout \(([\d:.]+)\)", stacks)
        return None if limit is None else Failure(HANG, f"Hang: no progress in {limit[1]}", stacks)

    def write_stopped(self, stage: Stage, curve: Sequence[float], steps: int, seconds: float) -> Outcome:
        """Write the outcome of a stopped stage. Its English dev curve is censored: the rest is unknown, not bad."""
        outcome = Outcome(
            key=stage.key,
            status="stopped",
            score=max(curve, default=None),
            tenth=len(curve),
            curve=tuple(curve),
            steps=steps,
            seconds=seconds,
        )
        return self._write_scores_and_outcome(stage, outcome)

    def write_failed(self, stage: Stage, failure: Failure, attempt_count: int = 1) -> Outcome:
        """Write the outcome of a failed stage, with an empty row for each target so that no cell is just absent."""
        outcome = Outcome(
            key=stage.key,
            status="failed",
            score=None,
            tenth=0,
            reason=failure.reason,
            failure=failure.kind.name,
            details=failure.details,
            attempts=attempt_count,
        )
        return self._write_scores_and_outcome(stage, outcome)

    def _write_scores_and_outcome(self, stage: Stage, outcome: Outcome) -> Outcome:
        """Write the outcome and score rows of a stage that the driver ended itself."""
        content = encode_scores(build_score_rows(stage, _build_rows(stage, outcome), outcome))
        name = self.context.file_name(stage.key, SCORES)
        self.context.results.write_file(name, lambda path: path.write_bytes(content))
        outcome = replace(outcome, scores=checksum(content))
        write_outcome(self.context, outcome)
        return outcome

    def drop_checkpoint(self, key: str) -> None:
        """Remove the checkpoint of a stage that nobody will continue."""
        self.context.results.remove(self.context.file_name(key, CHECKPOINT))

    def drop_encoder(self, key: str) -> None:
        """Remove an encoder that nobody will start from."""
        self.context.results.remove(self.context.file_name(key, ENCODER))

    def drop_model(self, key: str) -> None:
        """Remove the fine-tuned model of an arm that lost, where models are kept."""
        if self.context.keep_models:
            self.context.results.remove(self.context.file_name(key, MODEL))


def _build_rows(stage: Stage, outcome: Outcome) -> list[Mapping[str, object]]:
    """Return the English dev score of every tenth of a stopped stage; for a failed one a row without a score."""
    targets = stage.targets or (None,)
    if outcome.status == "failed":
        return [{"target": target, "split": "test"} for target in targets]
    dev = {"language": "en", "split": "dev", "metric": "task_score", "official": True}
    scores = list(enumerate(outcome.curve, start=1))
    return [{"target": target, "tenth": tenth, **dev, "value": value} for target in targets for tenth, value in scores]
