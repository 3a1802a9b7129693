"""A space: what a sweep varies. Pure data; `plan` turns it into stages.

Named spaces live in SPACES. A user's own space is a Python file with a variable `SPACE`:

    from spaces.space import Range, Space
    SPACE = Space(name="rates", intermediates=("mnli", "squad"), learning_rates=Range(1e-4, 5e-3, draws=6))
"""

import math
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spaces.benchmark import Benchmark
from spaces.chain import MULTITASK, NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.profile import Profile
from spaces.table import Table


@dataclass(frozen=True, slots=True)
class Range:
    """A learning-rate axis that is sampled: `draws` rates per stratum, log-uniform prior, through Optuna."""

    low: float
    high: float
    draws: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise UsageError(f"a learning-rate range needs 0 < low < high, got {self.low} and {self.high}.")
        if self.draws < 1:
            raise UsageError(f"a learning-rate range needs at least 1 draw, got {self.draws}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Axes of a sweep. An axis that is None stands for the benchmark's (or the encoder profile's) own."""

    name: str
    intermediates: tuple[str, ...] | None = None  # `none` is always added
    targets: tuple[str, ...] | None = None
    learning_rates: tuple[float, ...] | Range | Literal["all", "middle"] = "all"
    seeds: tuple[int, ...] = (0, 1, 2)
    test_limit: int | None = None  # dev and test examples per language; a sweep that cuts them is marked as limited
    floor: bool = False  # also train the targets from a random encoder
    mixture: tuple[str, ...] | None = None  # what the multi-task run mixes; None: every intermediate task


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """A space made definite for one benchmark and encoder profile: checked, complete, without None."""

    intermediates: tuple[str, ...]  # `none` first
    targets: tuple[str, ...]
    learning_rates: tuple[float, ...] | Range
    seeds: tuple[int, ...]
    test_limit: int | None
    floors: tuple[str, ...]
    mixture: tuple[str, ...]  # tasks of the multi-task run; empty where there is none


def axes(space: Space, benchmark: Benchmark, profile: Profile) -> Axes:
    """Check the space against the benchmark; raises UsageError for unknown names, empty axes, bad values."""
    quick = space.name == QUICK
    intermediates = space.intermediates
    if intermediates is None:
        intermediates = benchmark.quick_intermediates if quick else benchmark.intermediate_names()
    targets = space.targets
    if targets is None:
        targets = benchmark.quick_targets if quick else benchmark.target_names()
    rates = space.learning_rates
    if rates == "all":
        rates = profile.learning_rates
    elif rates == "middle":
        rates = (profile.learning_rates[len(profile.learning_rates) // 2],)
    elif isinstance(rates, str):
        raise UsageError(f"the learning-rate axis is 'all', 'middle', a list or a Range, got {rates!r}.")
    mixture = space.mixture if space.mixture is not None else tuple(task.name for task in benchmark.mixed())
    for axis, values in (
        ("intermediates", intermediates),
        ("targets", targets),
        ("seeds", space.seeds),
        ("mixture", mixture),
    ):
        _check_axis(axis, values)
    for name in intermediates:
        benchmark.check_intermediate(name)
    for name in mixture:
        benchmark.intermediates.find(name)
    for name in targets:
        benchmark.check_target(name)
    for seed in space.seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise UsageError(f"a seed is a whole number from 0 to 2^31 - 1, got {seed!r}.")
    if not isinstance(rates, Range):
        _check_axis("learning-rates", rates)
        for rate in rates:
            if not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
                raise UsageError(f"a learning rate is a number above 0, got {rate!r}.")
        rates = tuple(sorted(float(rate) for rate in rates))
    return Axes(
        # The baseline is a member of every space: a gain is a difference to it.
        intermediates=(NONE, *(name for name in intermediates if name != NONE)),
        targets=tuple(name for name in benchmark.targets if name in targets),
        learning_rates=rates,
        seeds=tuple(sorted(space.seeds)),
        test_limit=benchmark.quick_test_limit if quick and space.test_limit is None else space.test_limit,
        floors=(RANDOM_ENCODER,) if space.floor else (),
        mixture=tuple(name for name in benchmark.intermediates if name in mixture)
        if MULTITASK in intermediates
        else (),
    )


def _check_axis(name: str, values: tuple[object, ...]) -> None:
    if not values:
        raise UsageError(f"the axis {name} is empty: give at least one value.")
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise UsageError(f"the axis {name} names {', '.join(twice)} more than once.")


QUICK = "quick"
SPACES = Table(
    "space",
    (
        Space(name=QUICK, learning_rates="middle", seeds=(0,), floor=True),
        Space(name="full"),
    ),
)


def find_space(name_or_file: str) -> Space:
    """A named space, or the variable SPACE of a Python file. The file is executed: use your own files only."""
    path = Path(name_or_file)
    if path.suffix != ".py":
        return SPACES.find(name_or_file)
    if not path.is_file():
        raise UsageError(f"the space file {name_or_file} does not exist.")
    try:
        found = runpy.run_path(str(path)).get("SPACE")
    except Exception as error:  # whatever the user's own code raises is the user's to mend
        raise UsageError(f"the space file {name_or_file} failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, Space):
        raise UsageError(f"the space file {name_or_file} must define SPACE = Space(...), found {type(found).__name__}.")
    return found
