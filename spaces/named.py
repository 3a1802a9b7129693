"""The named spaces: two that rank the benchmark's tasks, and one for each question that varies something else."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spaces import adversarial_variants, variants
from spaces.benchmark import Benchmark
from spaces.errors import UsageError
from spaces.space import Space
from spaces.table import Table


@dataclass(frozen=True, slots=True)
class NamedSpace:
    """A space that every benchmark has, with members of its own."""

    name: str
    about: str  # one sentence for --help
    of: Callable[[Benchmark], Space]


def _quick(benchmark: Benchmark) -> Space:
    return Space(
        name="quick",
        intermediates=benchmark.quick_intermediates,
        targets=benchmark.quick_targets,
        learning_rates="middle",
        seeds=(0,),
        test_limit=benchmark.quick_test_limit,
        floor=True,
    )


def _full(benchmark: Benchmark) -> Space:
    return Space(name="full")


def _diversity(benchmark: Benchmark) -> Space:
    chains = variants.diversity(benchmark)
    return Space(name="diversity", intermediates=chains, learning_rates="middle", budget=benchmark.equal)


def _languages(benchmark: Benchmark) -> Space:
    return Space(
        name="languages",
        intermediates=variants.languages(benchmark),
        targets=variants.PAIR_TARGETS,
        learning_rates="middle",
        seeds=(0, 1, 2, 3, 4),
        budget=benchmark.equal,
    )


def _adversarial(benchmark: Benchmark) -> Space:
    steps = benchmark.equal.steps
    assert steps is not None
    return Space(
        name="adversarial",
        intermediates=adversarial_variants.adversarial(benchmark),
        targets=adversarial_variants.targets(benchmark),
        learning_rates="middle",
        budget=replace(benchmark.equal, steps=steps // 2),  # most of its phases go several times over each step
    )


def _variants(benchmark: Benchmark) -> Space:
    return Space(name="variants", intermediates=variants.variants(benchmark), learning_rates="middle")


SPACES = Table(
    "space",
    (
        NamedSpace("quick", "a first look: a few tasks and targets, one rate, one seed", _quick),
        NamedSpace("full", "every intermediate task, every target, all rates, three seeds", _full),
        NamedSpace("diversity", "mixes of few and many kinds of task, with equal steps and rows", _diversity),
        NamedSpace("languages", "inference in English, in other languages and in mixes, with equal rows", _languages),
        NamedSpace("adversarial", "adversarial and smoothed training of the intermediate phase", _adversarial),
        NamedSpace("variants", "masked words beside a task, translated tasks, and rivals without a phase", _variants),
    ),
)


def find_space(name_or_file: str, benchmark: Benchmark) -> Space:
    """A named space, or the variable SPACE of a Python file. The file is executed: use your own files only."""
    path = Path(name_or_file)
    if path.suffix != ".py":
        return SPACES.find(name_or_file).of(benchmark)
    if not path.is_file():
        raise UsageError(f"the space file {name_or_file} does not exist.")
    try:
        found = runpy.run_path(str(path)).get("SPACE")
    except Exception as error:  # whatever the user's own code raises is the user's to mend
        raise UsageError(f"the space file {name_or_file} failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, Space):
        raise UsageError(f"the space file {name_or_file} must define SPACE = Space(...), found {type(found).__name__}.")
    return found
