"""The record of previews on worlds of the miniature, as `tests/bench/preview.py` measured it on 2026-12-01."""

from collections.abc import Sequence
from dataclasses import dataclass

from spaces.stage import TENTHS

FIRST = 3  # tasks of a choice
TASKS = 9  # of which one is the best


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """Orders by LogME that have the best of TASKS tasks among the first FIRST.

    `hits` of `orders` are those for a target at a seed, `mean_hits` of `seeds` those by the mean over targets.
    """

    tenth: int
    worlds: str
    orders: int
    hits: int
    seeds: int
    mean_hits: int


RECORD = (
    RecordRow(tenth=1, worlds="the miniature", orders=70, hits=63, seeds=10, mean_hits=7),
    RecordRow(tenth=1, worlds="two other worlds", orders=70, hits=67, seeds=10, mean_hits=9),
    RecordRow(tenth=10, worlds="the miniature", orders=70, hits=70, seeds=10, mean_hits=10),
    RecordRow(tenth=10, worlds="two other worlds", orders=70, hits=70, seeds=10, mean_hits=10),
)


def describe_record(tenths: Sequence[int]) -> str:
    """Return what is known of orders after about as many tenths."""
    nearest = min({row.tenth for row in RECORD}, key=lambda tenth: abs(tenth - min(tenths)))
    rows = [row for row in RECORD if row.tenth == nearest]
    targets = " and ".join(f"in {row.hits} of {row.orders} orders on {row.worlds}" for row in rows)
    seeds, hits = sum(row.seeds for row in rows), sum(row.mean_hits for row in rows)
    length = "whole phases" if nearest == TENTHS else f"{nearest} tenth{'s' * (nearest > 1)} of the phases"
    return (
        f"Its record, after {length}: the best of {TASKS} tasks for a target was among the first {FIRST} {targets}, "
        f"the best by the mean over targets in {hits} of {seeds}; of random orders {FIRST / TASKS:.0%} have it there. "
        "Little is known on other data (docs/preview.md)."
    )
