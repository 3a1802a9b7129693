"""The results of a finished stage's evaluation, the same for every kind of stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from trainables.features.examples import format_left_out


@dataclass(frozen=True, slots=True)
class TestResults:
    """Scores on the test sets, with predictions and notes.

    Attributes:
        rows: one dict per score, with some of the columns of `spaces.columns`
        predictions: tables of predictions, if they are kept
        notes: what a reader of the scores must know, a line each
    """

    __test__: ClassVar[bool] = False  # pytest would collect a class of this name

    rows: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[pa.Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note_left_out(self, subject: str, left_out: Mapping[str, int]) -> None:
        """Add a note on the rows of `subject` that gave no example, by reason; none if all rows did."""
        if left_out:
            self.notes.append(f"rows left out of {subject}: {format_left_out(left_out)}")
