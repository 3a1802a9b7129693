"""The named spaces: two rank the benchmark's tasks, and each of the others answers one question."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spaces import space_chains
from spaces.benchmark import Benchmark
from spaces.bounds import Bounds
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.space import Space
from spaces.space_file import read_space_file
from spaces.table import Table

SPACE_FILES = (".py", ".toml")


@dataclass(frozen=True, slots=True)
class NamedSpace:
    """A space that every benchmark has, built from the benchmark's own tasks."""

    name: str
    about: str  # one sentence for --help
    build: Callable[[Benchmark], Space]


def _build_quick(benchmark: Benchmark) -> Space:
    return Space(
        name="quick",
        intermediates=benchmark.quick_intermediates,
        targets=benchmark.quick_targets,
        learning_rates="middle",
        seeds=(0,),
        bounds=Bounds(test_limit=benchmark.quick_test_limit),
        floor=True,
    )


def _build_full(benchmark: Benchmark) -> Space:
    """Return all tasks of a benchmark. Every gain shares the baseline's error, so the baseline has twice the seeds."""
    return Space(name="full", chain_seeds={NONE: (0, 1, 2, 3, 4, 5)})


def _build_diversity(benchmark: Benchmark) -> Space:
    chains = space_chains.list_diversity_chains(benchmark)
    budget = benchmark.question_budgets.diversity
    return Space(name="diversity", intermediates=chains, learning_rates="question", budget=budget)


def _build_languages(benchmark: Benchmark) -> Space:
    return Space(
        name="languages",
        intermediates=space_chains.list_language_chains(benchmark),
        targets=space_chains.LANGUAGE_TARGETS,
        learning_rates="question",
        seeds=(0, 1, 2, 3, 4),
        budget=benchmark.question_budgets.languages,
    )


def _build_adversarial(benchmark: Benchmark) -> Space:
    return Space(
        name="adversarial",
        intermediates=space_chains.list_adversarial_chains(benchmark),
        targets=space_chains.list_adversarial_targets(benchmark),
        learning_rates="question",
        budget=benchmark.question_budgets.methods,
    )


def _build_variants(benchmark: Benchmark) -> Space:
    return Space(name="variants", intermediates=space_chains.list_variant_chains(benchmark), learning_rates="question")


SPACES = Table(
    "space",
    (
        NamedSpace("quick", "a first look: a few tasks and targets, one rate, one seed", _build_quick),
        NamedSpace(
            "full",
            "every intermediate task, every target, all rates, three seeds, six of the baseline",
            _build_full,
        ),
        NamedSpace("diversity", "mixes of few and many kinds of task, with equal steps and rows", _build_diversity),
        NamedSpace(
            "languages", "inference in English, in other languages and in mixes, with equal rows", _build_languages
        ),
        NamedSpace("adversarial", "adversarial and smoothed training of the intermediate phase", _build_adversarial),
        NamedSpace(
            "variants",
            "masked words, translated tasks, and alternatives without an intermediate phase",
            _build_variants,
        ),
    ),
)


def find_space(name_or_file: str, benchmark: Benchmark) -> Space:
    """Return a named space, that of a TOML file, or SPACE of a Python file, which is executed.

    Raises UsageError if that fails.
    """
    path = Path(name_or_file)
    if path.suffix not in SPACE_FILES:
        return SPACES.find(name_or_file).build(benchmark)
    if not path.is_file():
        raise UsageError(f"the space file {name_or_file} does not exist.")
    if path.suffix == ".toml":
        return read_space_file(path)
    try:
        space = runpy.run_path(str(path)).get("SPACE")
    except Exception as error:  # any error of the user's code is for the user to fix
        raise UsageError(f"the space file {name_or_file} failed: {type(error).__name__}: {error}") from error
    if not isinstance(space, Space):
        raise UsageError(f"the space file {name_or_file} must define SPACE = Space(...), got {type(space).__name__}.")
    return space
