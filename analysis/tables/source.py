"""Where scores are from, and what a reader of them must know, a sentence a line."""

from analysis.scores.load import Scores
from spaces.benchmark import BENCHMARKS


def read_from(read: Scores) -> tuple[str, ...]:
    """Source, benchmark, model, seeds, how much of a sweep is there; what the benchmark and the reading have to say."""
    stages = f", {read.stages[0]} of {read.stages[1]} stages done" if read.stages else ""
    names = f"benchmark {read.benchmark or 'not stated'}, model {read.model or 'not stated'}"
    lines = [f"{read.source}: {names}, {numbered('seed', read.seeds)}{stages}"]
    if read.benchmark is not None and read.benchmark in BENCHMARKS:
        lines.append(BENCHMARKS[read.benchmark].note)
    if read.limited:
        lines.append("Limited: training or test examples were cut. These are no scores to publish.")
    return (*lines, *read.notes)


def numbered(noun: str, items: tuple[int, ...]) -> str:
    """`3 seeds (0, 1, 2)`."""
    return f"{many(len(items), noun)} ({', '.join(map(str, items))})"


def many(count: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {noun}{'s' * (count != 1)}"
