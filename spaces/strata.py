"""The axes of a sweep expanded into strata, each with the learning rates of its arms."""

import functools

from spaces.benchmark import Benchmark
from spaces.chain import NONE, members_of, parse_chain, phase_of
from spaces.phase import find_own_rate, list_phases
from spaces.plan import Stratum
from spaces.rates import scale_rates, sort_middle_first
from spaces.space import Axes, Range
from spaces.untrained_phase import NO_RATE


def expand_strata(axes: Axes, benchmark: Benchmark, *, pretrain: bool) -> tuple[Stratum, ...]:
    """Return every stratum of a sweep, parents before children, seed by seed (so that seed 0 is complete first)."""
    strata: list[Stratum] = []
    root = None
    if pretrain:
        strata.append(Stratum(kind="pretrain", task="encoder", intermediate=NONE, seed=0, parent=None, rates=(None,)))
        root = strata[0].id
    default_rates = (
        axes.learning_rates if isinstance(axes.learning_rates, Range) else sort_middle_first(axes.learning_rates)
    )

    def rates_of(own_rate: float | None, method: str | None) -> tuple[float, ...] | Range:
        return scale_rates(default_rates if own_rate is None else (own_rate,), method)

    def rates_of_targets(targets: tuple[str, ...], chain: str) -> tuple[float, ...] | Range:
        recipe = benchmark.targets[targets[0]].recipe
        return rates_of(None if recipe is None else recipe.learning_rate, axes.target_method_of(chain))

    def rates_of_phase(phase: str) -> tuple[float | None, ...] | Range:
        if not parse_chain(phase).is_trained:
            return NO_RATE
        own_rate = find_own_rate(phase, benchmark, axes.mixture, axes.masked)
        return rates_of(own_rate, parse_chain(phase).method)

    tasks = [benchmark.targets[name] for name in axes.targets]
    # All targets of a training set are evaluated, even if the sweep has only one of them: training is what costs, and
    # a later sweep with the other target finds it done.
    training_sets = {
        task.training_set: benchmark.targets_trained_with(task.name, axes.targets)
        for task in tasks
        if task.training_set is not None
    }
    for seed in axes.all_seeds:
        starts = [name for name in (NONE, *axes.floors) if seed in axes.seeds_of(name)]
        parents: dict[str, str | None] = dict.fromkeys(starts, root)
        build_phase = functools.partial(Stratum, kind="intermediate", seed=seed, parent=root)
        chains = [name for name in axes.intermediates if seed in axes.seeds_of(name)]
        phases: dict[str, str] = {}
        for phase in list_phases(chains):
            merged = tuple(phases[member] for member in members_of(phase))
            strata.append(build_phase(task=phase, intermediate=phase, rates=rates_of_phase(phase), merged=merged))
            phases[phase] = strata[-1].id
        parents |= {name: phases.get(phase_of(name), root) for name in chains}
        for name, parent in parents.items():
            build = functools.partial(Stratum, intermediate=name, seed=seed, parent=parent)
            for training_set, targets in training_sets.items():
                rates = rates_of_targets(targets, name)
                strata.append(build(kind="target", task=training_set, rates=rates, targets=targets))
            for task in tasks:
                if task.kind == "retrieval":
                    strata.append(build(kind="retrieval", task=task.name, rates=(None,), targets=(task.name,)))
        for ceiling in axes.ceilings:
            build = functools.partial(Stratum, intermediate=ceiling.name, seed=seed, parent=root)
            for training_set, targets in training_sets.items():
                if training_set in ceiling.rows and seed in axes.seeds_of(ceiling.name):
                    rates = rates_of_targets(targets, ceiling.name)
                    strata.append(build(kind="target", task=training_set, rates=rates, targets=targets))
    return tuple(strata)
