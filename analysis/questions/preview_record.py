"""The record of previews on worlds of the miniature, as `tests/bench/preview.py` measured it."""

from collections.abc import Sequence
from dataclasses import dataclass

FIRST = 3  # tasks of a choice
TASKS = 9  # of which one is the best


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """Orders for a target at a seed, and those that have the best of TASKS tasks among the first FIRST."""

    tenth: int
    worlds: str
    orders: int
    hits: int


RECORD: tuple[RecordRow, ...] = ()


def describe_record(tenths: Sequence[int]) -> str:
    """Return what is known of orders after about as many tenths."""
    nearest = min({row.tenth for row in RECORD}, key=lambda tenth: abs(tenth - min(tenths)))
    rows = [row for row in RECORD if row.tenth == nearest]
    parts = [f"in {row.hits} of {row.orders} orders on {row.worlds}" for row in rows]
    length = "whole phases" if nearest == 10 else f"{nearest} tenth{'s' * (nearest > 1)}"
    return (
        f"Its record, after {length}: the best of {TASKS} tasks for a target was among the first {FIRST} "
        f"{' and '.join(parts)}, against {FIRST / TASKS:.0%} of random orders."
    )
