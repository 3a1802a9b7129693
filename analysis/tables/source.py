"""Where scores are from, and what a reader of them must know, a sentence a line."""

from analysis.scores.scores import Scores
from spaces.benchmark import BENCHMARKS


def describe_source(read: Scores) -> tuple[str, ...]:
    """Source, benchmark, model, seeds, how much of a sweep is there; what the benchmark and the reading have to say."""
    stages = f", {read.stage_counts[0]} of {read.stage_counts[1]} stages done" if read.stage_counts else ""
    names = f"benchmark {read.benchmark or 'not stated'}, model {read.model or 'not stated'}"
    lines = [f"{read.source}: {names}, {count_and_list('seed', read.seeds)}{stages}"]
    if read.benchmark is not None and read.benchmark in BENCHMARKS:
        lines.append(BENCHMARKS[read.benchmark].note)
    if read.is_limited:
        lines.append("Limited: training or test examples were cut. These are no scores to publish.")
    return (*lines, *read.notes)


def count_and_list(noun: str, items: tuple[int, ...]) -> str:
    """`3 seeds (0, 1, 2)`."""
    return f"{pluralise(len(items), noun)} ({', '.join(map(str, items))})"


def pluralise(count: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {noun}{'s' * (count != 1)}"
