"""Spaces: the axes that a sweep varies. Pure data, which `plan.py` turns into stages.

The named spaces are in `named_spaces.py`. A user's own space is a TOML file (`space_file.py`), or a Python file with a
variable `SPACE`:

    from spaces.space import Range, Space
    SPACE = Space(name="rates", intermediates=("mnli", "squad~freelb"), learning_rates=Range(1e-4, 5e-3, draws=6))
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from spaces.benchmark import UNBOUNDED, Benchmark, Budget
from spaces.bounds import NO_BOUNDS, Bounds
from spaces.ceilings import MAX_SHOTS, Ceiling, build_ceilings
from spaces.chain import NONE, RANDOM_ENCODER, Chain, target_method_of
from spaces.chain_rules import check_chain, check_method
from spaces.encoders import EncoderProfile
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.phase import DEFAULT_MASKED_WORDS, MaskedWords
from spaces.table import describe_unknown
from spaces.task import TaskKind


@dataclass(frozen=True, slots=True)
class Range:
    """A learning-rate axis that Optuna samples log-uniformly. Raises UsageError unless 0 < low < high and draws > 0."""

    low: float
    high: float
    draws: int = 4  # rates per stratum

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise UsageError(f"a learning-rate range needs 0 < low < high, got {self.low} and {self.high}.")
        if self.draws < 1:
            raise UsageError(f"a learning-rate range needs at least 1 draw, got {self.draws}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Axes of a sweep, None for the benchmark's default. Raises UsageError for settings of another type."""

    name: str
    intermediates: tuple[str, ...] | None = None  # names of chains (see chain.py); `none` is always added
    targets: tuple[str, ...] | None = None
    learning_rates: tuple[float, ...] | Range | Literal["all", "middle", "question"] = "all"
    seeds: tuple[int, ...] = (0, 1, 2)  # of every chain
    chain_seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # more seeds of single chains, by name
    floor: bool = False  # also train the targets from a random encoder
    translate_train: bool = False  # also train the targets on translations of their training rows
    target_shots: int | None = None  # also train the targets on so many rows of each language
    target_method: str | None = None  # of the fine-tuning on the target, where a chain names none
    mixture: tuple[str, ...] | None = None  # tasks of `multitask`; None: every intermediate task
    budget: Budget = UNBOUNDED
    bounds: Bounds = NO_BOUNDS
    masked: MaskedWords = DEFAULT_MASKED_WORDS

    def __post_init__(self) -> None:
        for name, kind in (("budget", Budget), ("bounds", Bounds), ("masked", MaskedWords)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise UsageError(f"Space: `{name}` must be a {kind.__name__}(...), got {value!r}.")
        if self.target_shots is not None and not 0 < self.target_shots <= MAX_SHOTS:
            raise UsageError(f"--target-shots: a number of rows from 1 to {MAX_SHOTS:,}, got {self.target_shots}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """A space resolved for a benchmark and an encoder profile: checked, complete, without None."""

    intermediates: tuple[str, ...]  # `none` first
    targets: tuple[str, ...]
    learning_rates: tuple[float, ...] | Range
    seeds: tuple[int, ...]  # of every chain
    floors: tuple[str, ...]
    ceilings: tuple[Ceiling, ...] = ()
    target_method: str | None = None
    mixture: tuple[str, ...]  # tasks of `multitask`; empty if no chain has it
    chain_seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # all seeds of the chains that have more
    budget: Budget = UNBOUNDED
    bounds: Bounds = NO_BOUNDS
    masked: MaskedWords = DEFAULT_MASKED_WORDS

    def seeds_of(self, chain: str) -> tuple[int, ...]:
        """Return the seeds of a chain, ascending."""
        return self.chain_seeds.get(chain, self.seeds)

    def target_method_of(self, chain: str) -> str | None:
        """Return the method of a chain's fine-tuning on the targets: its own, else that of the sweep."""
        return target_method_of(chain) or self.target_method

    @property
    def references(self) -> tuple[str, ...]:
        """The floors and ceilings: chains that place a result and do not compete."""
        return (*self.floors, *(ceiling.name for ceiling in self.ceilings))

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds that any chain has, ascending."""
        return tuple(sorted({*self.seeds, *(seed for seeds in self.chain_seeds.values() for seed in seeds)}))


def resolve_axes(space: Space, benchmark: Benchmark, profile: EncoderProfile) -> Axes:
    """Return the axes of a space. Raises UsageError for unknown names, empty axes and bad values."""
    intermediates = benchmark.intermediate_names() if space.intermediates is None else space.intermediates
    targets = benchmark.target_names() if space.targets is None else space.targets
    mixture = space.mixture if space.mixture is not None else tuple(task.name for task in benchmark.multitask_tasks())
    _check_axis("intermediates", intermediates)
    _check_axis("targets", targets)
    _check_axis("seeds", space.seeds)
    _check_axis("mixture", mixture)
    for name in mixture:
        benchmark.intermediates.find(name)
    for name in targets:
        benchmark.targets.find(name)
    chains = [check_chain(name, benchmark, mixture) for name in intermediates]
    kinds = {benchmark.targets[name].kind for name in targets} - {"retrieval"}
    _check_target_methods(space.target_method, chains, kinds)
    if space.masked.languages is not None:
        _check_axis("languages of masked words", space.masked.languages)
    for language in space.masked.languages or ():
        if language not in benchmark.languages:
            raise UsageError(describe_unknown(f"language of {benchmark.name}", language, benchmark.languages))
    _check_seeds(space.seeds)
    floors = (RANDOM_ENCODER,) if space.floor else ()
    ceilings = build_ceilings(translate_train=space.translate_train, target_shots=space.target_shots)
    has_multitask = any(chain.is_multitask for chain in chains)
    return Axes(
        # The baseline is a member of every space: a gain is a difference to it.
        intermediates=(NONE, *(name for name in intermediates if name != NONE)),
        targets=tuple(name for name in benchmark.targets if name in targets),
        learning_rates=_resolve_rates(space.learning_rates, profile),
        seeds=tuple(sorted(space.seeds)),
        floors=floors,
        ceilings=ceilings,
        target_method=space.target_method,
        mixture=tuple(name for name in benchmark.intermediates if name in mixture) if has_multitask else (),
        chain_seeds=_resolve_chain_seeds(
            space, dict.fromkeys((NONE, *intermediates, *floors, *(each.name for each in ceilings)))
        ),
        budget=space.budget,
        bounds=space.bounds,
        masked=space.masked,
    )


def _check_target_methods(default: str | None, chains: Iterable[Chain], kinds: set[TaskKind]) -> None:
    if default is not None:
        check_method("--target-method", METHODS.find(default).name, kinds)
    for chain in chains:
        if chain.target_method is not None:
            check_method(chain.name, chain.target_method, kinds)
        if chain.target_method is not None and chain.target_method == default:
            same = f"{chain.name!r} means {chain.phase!r} with --target-method {default}"
            raise UsageError(f"{same}: leave out :{default}.")


def _resolve_chain_seeds(space: Space, chains: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return all seeds of the chains that have more than `space.seeds`, in the order of `chains`."""
    chains = tuple(chains)
    for name, seeds in space.chain_seeds.items():
        if name not in chains:
            raise UsageError(f"seeds of single chains: {describe_unknown('chain of this sweep', name, chains)}")
        _check_axis(f"seeds of {name}", seeds)
        _check_seeds(seeds)
    all_seeds = {name: tuple(sorted({*space.seeds, *space.chain_seeds.get(name, ())})) for name in chains}
    return {name: seeds for name, seeds in all_seeds.items() if len(seeds) > len(space.seeds)}


def _check_seeds(seeds: Iterable[object]) -> None:
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise UsageError(f"a seed must be a whole number from 0 to 2^31 - 1, got {seed!r}.")


def _resolve_rates(
    rates: tuple[float, ...] | Range | Literal["all", "middle", "question"], profile: EncoderProfile
) -> tuple[float, ...] | Range:
    if isinstance(rates, Range):
        return rates
    if rates == "all":
        rates = profile.learning_rates
    elif rates == "middle":
        rates = (profile.learning_rates[len(profile.learning_rates) // 2],)
    elif rates == "question":
        rates = profile.question_rates
    elif isinstance(rates, str):
        raise UsageError(
            f"learning rates must be 'all', 'middle', 'question', a tuple of numbers or a Range, got {rates!r}."
        )
    _check_axis("learning-rates", rates)
    for rate in rates:
        if not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
            raise UsageError(f"a learning rate must be a number above 0, got {rate!r}.")
    return tuple(sorted(float(rate) for rate in rates))


def _check_axis(name: str, values: tuple[object, ...]) -> None:
    if not values:
        raise UsageError(f"the axis {name} is empty: give at least one value.")
    duplicates = sorted({str(value) for value in values if values.count(value) > 1})
    if duplicates:
        raise UsageError(f"the axis {name} names {', '.join(duplicates)} more than once: give each value once.")
