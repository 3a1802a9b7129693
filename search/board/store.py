"""What is finished, on disk: the outcome of each stage. The truth about a sweep lies here and nowhere else.

What is damaged is set aside and named, and what it said is made again: by a few lines here where that is possible, else
by running the stage again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from search.board import attempts
from search.board.attempts import Attempt
from spaces.checksum import checksum, size_in_checksum
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import Stage
from trainables.models.encoder_folder import find_encoder_fault
from trainables.probes.probe_file import families_in
from trainables.record.context import CHECKPOINT, ENCODER, SCORES, SPEC, StageContext, write_spec
from trainables.record.outcome import OUTCOME_FILE, Outcome, read_outcome, write_outcome
from trainables.record.scores import build_score_rows, encode_scores, find_rows_fault
from trainables.storage.base import is_remote, quarantine, write_text
from trainables.worker.failures import HANG, Failure


class Store:
    """The stages' folders below the results folder."""

    def __init__(self, context: StageContext, *, read_only: bool = False) -> None:
        """With `read_only`, as for a plan, nothing is changed: what is damaged only counts as not done."""
        self.context, self.read_only = context, read_only
        self.damage: list[str] = []  # what was found to be damaged: one line each
        self._rerun_for_encoder: set[str] = set()  # for the sake of their encoders

    def load_outcome(self, key: str) -> Outcome | None:
        """How the stage ended; None if it has not. A damaged file is set aside and the stage counts as not done.

        Raises UsageError for the outcome of a newer version of this program.
        """
        try:
            return read_outcome(self.context, key)
        except UsageError:
            raise
        except ValueError as error:
            self._quarantine_damaged(self.context.file_name(key, OUTCOME_FILE), f"{error}; the stage runs again")
            return None

    def load_verified_outcome(self, stage: Stage) -> Outcome | None:
        """How a stage ended before this start: like `outcome`, and its specification and score rows are whole.

        Rows that need no training are written anew. Without its rows any other stage counts as not done.
        """
        outcome = self.load_outcome(stage.key)
        if outcome is None:
            return None
        spec = self.context.file_name(stage.key, SPEC)
        if not self.read_only and (
            self._sizes_at_start is None or self._sizes_at_start.get(spec) != len(stage.to_json())
        ):
            self.prepare_stage(stage)
        fault = self._find_scores_fault(outcome)
        if fault is None:
            return outcome
        scores = self.context.file_name(stage.key, SCORES)
        if outcome.status in ("stopped", "failed"):
            self._quarantine_damaged(scores, f"{scores} {fault}; it was written anew")
            return outcome if self.read_only else self._write_scores_and_outcome(stage, outcome)
        self._quarantine_damaged(scores, f"{scores} {fault}; the stage runs again")
        self.reopen(stage.key)
        return None

    def _find_scores_fault(self, outcome: Outcome) -> str | None:
        """What is wrong with the score rows. In object storage their size is all that is looked at."""
        if self._sizes_at_start is not None and outcome.scores is not None:
            size = self._sizes_at_start.get(self.context.file_name(outcome.key, SCORES))
            return (
                None
                if size == size_in_checksum(outcome.scores)
                else "is missing"
                if size is None
                else "has another size"
            )
        content = self.context.results.read(self.context.file_name(outcome.key, SCORES))
        if content is None:
            return "is missing"
        if outcome.scores is None:  # an older version wrote it
            return find_rows_fault(content, outcome.key)
        return None if checksum(content) == outcome.scores else "is damaged: it is not what the stage wrote"

    @cached_property
    def _sizes_at_start(self) -> dict[str, int] | None:
        """Sizes of what lay in the stages' folders at the start; None on a disk, where looking costs nothing."""
        return self.context.results.list_sizes("stages") if is_remote(self.context.results.url) else None

    def _quarantine_damaged(self, name: str, line: str) -> None:
        if not self.read_only:
            aside = [quarantine(self.context.results, name)] if self.context.results.has(name) else []
            self.damage.append(" -> ".join([line, *aside]))

    def prepare_stage(self, stage: Stage) -> None:
        """Make the stage's folder ready for a worker."""
        aside = write_spec(self.context, stage)
        if aside is not None:
            self.damage.append(f"{self.context.file_name(stage.key, SPEC)} is damaged; it was written anew -> {aside}")

    def has_encoder(self, key: str) -> bool:
        """Whether the stage's encoder is there and whole, for others to start from. A damaged one is set aside.

        In object storage its contents are not looked at: the stages that load it do.
        """
        name = self.context.file_name(key, ENCODER)
        if not self.context.results.has(name):
            return False
        if is_remote(self.context.results.url):
            return True
        with self.context.results.open_local(name) as folder:
            fault = find_encoder_fault(folder)
        if fault is None or key in self._rerun_for_encoder:  # once is enough: its children say what is wrong with it
            return True
        self._rerun_for_encoder.add(key)
        self._quarantine_damaged(name, f"{name} is damaged: {fault}; the stage runs again")
        return False

    def has_predictions(self, key: str) -> bool:
        """Whether the stage left its predictions."""
        return self.context.results.has(self.context.file_name(key, PREDICTIONS_FILE))

    def has_probes(self, key: str) -> bool:
        """Whether the stage was measured with all families of probes that are asked for."""
        content = self.context.results.read(self.context.file_name(key, PROBES_FILE))
        return content is not None and set(self.context.probes) <= families_in(content)

    def reopen(self, key: str) -> None:
        """Forget how the stage ended: its encoder or rows were lost and are needed, or it is to be tried again."""
        if self.read_only:
            return
        for name in (self.context.file_name(key, OUTCOME_FILE), self.context.file_name(key, attempts.ATTEMPTS_FILE)):
            if self.context.results.has(name):
                quarantine(self.context.results, name, "reopened")

    def load_attempts(self, key: str) -> tuple[Attempt, ...]:
        """The tries of the stage that failed. A damaged file is set aside and the stage counts as not tried."""
        name = self.context.file_name(key, attempts.ATTEMPTS_FILE)
        content = self.context.results.read(name)
        try:
            return () if content is None else attempts.attempts_from_json(content.decode())
        except ValueError:
            self._quarantine_damaged(name, f"{name} is damaged; the stage counts as not tried")
            return ()

    def add_attempt(self, key: str, attempt: Attempt) -> tuple[Attempt, ...]:
        """Note a try that failed; returns all of them."""
        tried = (*self.load_attempts(key), attempt)
        write_text(
            self.context.results, self.context.file_name(key, attempts.ATTEMPTS_FILE), attempts.attempts_to_json(tried)
        )
        return tried

    def pop_hang_failure(self, key: str) -> Failure | None:
        """What the watchdog wrote down when it ended the stage's worker, removed; None if it did not."""
        path = self.context.hang_path(key)
        stacks = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
        limit = re.match(r"Timeout \(([\d:.]+)\)", stacks)
        return None if limit is None else Failure(HANG, f"Hang: no progress in {limit[1]}", stacks)

    def write_stopped(self, stage: Stage, curve: Sequence[float], steps: int, seconds: float) -> Outcome:
        """What the scheduler leaves of a stage: its English dev curve, marked as censored: not bad, but unknown."""
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
        """A stage that failed: one row without a value for each target, so that the cell is not just absent."""
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
        """Write what the driver itself leaves of a stage."""
        rows = build_score_rows(
            stage,
            _build_stopped_rows(stage, outcome) if outcome.status == "stopped" else _build_failed_rows(stage),
            status=outcome.status,
            reason=outcome.reason,
            steps=outcome.steps,
            seconds=outcome.seconds,
        )
        content = encode_scores(rows)
        self.context.results.write_file(
            self.context.file_name(stage.key, SCORES), lambda path: path.write_bytes(content)
        )
        outcome = replace(outcome, scores=checksum(content))
        write_outcome(self.context, outcome)
        return outcome

    def drop_checkpoint(self, key: str) -> None:
        """Remove the exact state of a stage that nobody will continue."""
        self.context.results.remove(self.context.file_name(key, CHECKPOINT))

    def drop_encoder(self, key: str) -> None:
        """Remove an encoder that nobody will start from."""
        self.context.results.remove(self.context.file_name(key, ENCODER))


def _build_stopped_rows(stage: Stage, outcome: Outcome) -> list[Mapping[str, object]]:
    """English dev of every tenth that was trained."""
    return [
        {
            "target": target,
            "tenth": tenth,
            "language": "en",
            "split": "dev",
            "metric": "task_score",
            "official": True,
            "value": value,
        }
        for target in (stage.targets or (None,))
        for tenth, value in enumerate(outcome.curve, start=1)
    ]


def _build_failed_rows(stage: Stage) -> list[Mapping[str, object]]:
    return [{"target": target, "split": "test"} for target in (stage.targets or (None,))]
