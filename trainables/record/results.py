"""What a finished stage has to show of its tests, whatever its kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TestResults:
    """Score rows, the predictions behind them where these are kept, and what a reader of the scores must know."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[pa.Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note_left_out(self, what: str, left_out: Mapping[str, int]) -> None:
        """Note how many rows of a set gave no example, and why."""
        if left_out:
            reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
            self.notes.append(f"left out of {what}: {reasons}")
