"""What a plan can find: the effects that its tests detect with 80 % power, and the share of its phases in a chain.

Runs are taken to vary alike. A gain is a difference of two runs of one seed, so with s as its standard deviation over
seeds a run has the variance s^2 / 2, and the mean of `a` chains less that of `b` chains has
s^2 / 2 (1/a + 1/b) / seeds. Chains are seen as independent, which is best for the plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt, tanh
from statistics import NormalDist
from typing import Literal

from search.cost.cost import TrainingWork
from search.cost.observed_spread import GainSpread
from search.request.request import SweepRequest
from spaces.chain import NONE, Chain, parse_chain
from spaces.detectable_effect import ALPHA, MIN_SEEDS, POWER, find_noncentrality
from spaces.language import ENGLISH
from spaces.step_share import average_steps, describe_step_share
from spaces.untrained_phase import is_untrained

MODERATED_TASKS = 6  # from so many tasks on the analysis lets gains share what they know about errors
MODERATED_GAIN = 4  # times as many degrees of freedom then, in simulated tables (tests/bench/detectable.py)
FEWEST_SHARING_TARGETS = 4  # with fewer, half of that
ROBUSTNESS_TESTS = 4  # measures of robustness, which Holm's correction counts
PREDICTORS = 11  # measures of similarity and predictors beside them, about as many as are tested
RANK_VARIANCE = 1.06  # of Fisher's z of Spearman's correlation, times units less 3 (Fieller et al. 1957)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTest:
    """A test of a difference, with its standard error in units of the spread s and its degrees of freedom."""

    about: str
    spread: Literal["cell", "mean"] | None  # s is that of a gain on one target, or of a mean; None: of neither
    standard_error: float
    freedom: float
    tests: int = 1

    @property
    def effect(self) -> float:
        """The effect that is found with power POWER after Holm's correction, in units of s."""
        return self.standard_error * find_noncentrality(self.freedom, ALPHA / self.tests, POWER)


def describe_detectable(
    request: SweepRequest, work_of: Mapping[str, TrainingWork | None], spread: GainSpread | None
) -> list[str]:
    """Return the share of the phases and the detectable effects of a plan as lines to print."""
    lines = list(_describe_phases(request, work_of))
    seeds = len(request.axes.seeds)
    if seeds < MIN_SEEDS:
        return [*lines, f"detectable effects: none, as a test takes {MIN_SEEDS} seeds and these are {seeds}"]
    tests = [*list_tests(request)]
    lines.append(
        f"detectable with {POWER:.0%} power after Holm's correction, at {seeds} seeds; s is the standard deviation of "
        "a gain over seeds:"
    )
    for test in tests:
        size = getattr(spread, test.spread) if spread is not None and test.spread is not None else None
        points = "" if size is None else f" = {test.effect * size:.1f} points where s is {size:.1f}"
        lines.append(f"  {test.about}: {test.effect:.1f} s{points}")
    lines += [f"  {line}" for line in _describe_correlation(request)]
    if spread is None:
        lines.append("  in points: unknown, as no earlier sweep of these results has this benchmark and encoder")
    else:
        lines.append(f"  points: by {spread.source}")
    return lines


def _describe_phases(request: SweepRequest, work_of: Mapping[str, TrainingWork | None]) -> Iterator[str]:
    """Yield the share of the phases in the steps of a chain, over all targets and at the extremes."""
    phases = {
        stratum.id: work_of[stratum.id]
        for stratum in request.plan
        if stratum.kind == "intermediate" and not is_untrained(request.maker.recipe_of(stratum))
    }
    pairs: dict[str, list[tuple[float, float]]] = {}
    for stratum in request.plan:
        phase, target = phases.get(stratum.parent or ""), work_of[stratum.id]
        if stratum.kind == "target" and phase is not None and target is not None:
            pairs.setdefault(stratum.task, []).append((phase.steps, target.steps))
    shares = {task: share for task, steps in pairs.items() if (share := average_steps(steps)) is not None}
    if not shares:
        return
    text = describe_step_share(average_steps(pair for steps in pairs.values() for pair in steps), "phases: a phase")
    least, most = (choose(shares, key=lambda task: shares[task].share) for choose in (min, max))
    if len(shares) > 1:
        text += f" By target: {shares[least].share:.0%} before {least} to {shares[most].share:.0%} before {most}."
    yield text


def list_tests(request: SweepRequest) -> Iterator[PlannedTest]:
    """Yield the deciding tests of the questions that the chains can answer; those of a ranking where there is none."""
    axes = request.axes
    chains = [parse_chain(name) for name in axes.intermediates if name != NONE]
    questions = [*_list_question_tests(request, chains)]
    yield from questions
    if "alignment" in request.context.probes:
        tasks = len([chain for chain in chains if chain.ingredients])
        error = contrast_error(tasks, 1, len(axes.seeds))
        about = f"alignment: the mean rise of {tasks} tasks over a control, with s the spread of a difference of rises"
        yield PlannedTest(about=about, spread=None, standard_error=error, freedom=len(axes.seeds) - 1)
    if not questions:
        yield from _list_ranking_tests(request, len(chains))


def _list_question_tests(request: SweepRequest, chains: Sequence[Chain]) -> Iterator[PlannedTest]:
    seeds = len(request.axes.seeds)
    methods = [chain for chain in chains if chain.method is not None]
    if methods:
        plain = {chain.ingredients for chain in methods}
        about = f"methods against plain training: the mean over {len(methods)} pairs and all targets out of domain"
        error = contrast_error(len(methods), len(plain), seeds)
        yield PlannedTest(about=about, spread="mean", standard_error=error, freedom=seeds - 1)
    single = [chain.ingredients[0] for chain in chains if len(chain.ingredients) == 1 and chain.method is None]
    languages = {part.language for part in single if part.language not in (None, ENGLISH)}
    scored = {name for target in request.axes.targets for name in request.benchmark.targets[target].languages}
    if own := languages & scored:
        about = f"training in the evaluation language instead of English: the mean over {len(own)} languages"
        error = contrast_error(len(own), 1, seeds)
        yield PlannedTest(about=about, spread="cell", standard_error=error, freedom=seeds - 1)
    narrow, broad = _count_mixes(request, chains)
    if narrow and broad and not methods and not own:
        about = (
            f"diversity: {broad} mixes of several kinds against {narrow} of few, one of {ROBUSTNESS_TESTS} "
            "measures; at best, as mixes also differ beyond seeds"
        )
        error = contrast_error(broad, narrow, seeds)
        freedom = max(1, narrow + broad - 2)
        yield PlannedTest(about=about, spread="mean", standard_error=error, freedom=freedom, tests=ROBUSTNESS_TESTS)


def _count_mixes(request: SweepRequest, chains: Sequence[Chain]) -> tuple[int, int]:
    """Return the numbers of mixes of few and of many kinds, among those of a size that has both."""
    kinds: dict[int, list[int]] = {}
    for chain in chains:
        if len(chain.tasks) > 1 and set(chain.tasks) <= request.benchmark.intermediates.keys():
            found = {request.benchmark.intermediates[task].kind for task in chain.tasks}
            kinds.setdefault(len(chain.tasks), []).append(len(found))
    both = [counts for counts in kinds.values() if min(counts) < max(counts)]
    narrow = sum(counts.count(min(counts)) for counts in both)
    return narrow, sum(map(len, both)) - narrow


def _list_ranking_tests(request: SweepRequest, tasks: int) -> tuple[PlannedTest, ...]:
    axes = request.axes
    named = (request.benchmark.intermediates.get(name) for name in axes.intermediates)
    references = tasks - sum(task is not None and task.is_control for task in named)
    seeds, baseline = len(axes.seeds), len(axes.seeds_of(NONE))
    return build_ranking_tests(tasks, references, len(axes.targets), seeds, baseline)


def build_ranking_tests(
    tasks: int, references: int, targets: int, seeds: int, baseline: int
) -> tuple[PlannedTest, PlannedTest]:
    """Return the tests of one cell and of one task's mean over targets, in a table of tasks and targets.

    `references` are the tasks that are no controls. Seeds of the `baseline` beyond those of the tasks narrow all gains.
    """
    freedom, errors = seeds - 1, "errors of each gain alone"
    if references >= MODERATED_TASKS:
        freedom *= MODERATED_GAIN if targets >= FEWEST_SHARING_TARGETS else MODERATED_GAIN // 2
        errors = "moderated errors"
    error = sqrt((1 / seeds + 1 / baseline) / 2)
    cells = f"{tasks * targets} tests of {tasks} tasks on {targets} targets"
    cell = f"a task's gain on one target, {cells}, {errors}"
    mean = f"a task's mean over {targets} targets, {tasks} tests, with s the spread of such a mean"
    return (
        PlannedTest(about=cell, spread="cell", standard_error=error, freedom=freedom, tests=tasks * targets),
        PlannedTest(about=mean, spread="mean", standard_error=error, freedom=freedom, tests=tasks),
    )


def _describe_correlation(request: SweepRequest) -> Iterator[str]:
    """Yield the rank correlation that the question of similarity can find on a single target."""
    axes = request.axes
    tasks = [name for name in axes.intermediates if name in request.benchmark.intermediates]
    units = sum(not request.benchmark.intermediates[name].is_control for name in tasks)
    if "similarity" in request.context.probes and units > 3:
        normal = NormalDist()
        size = normal.inv_cdf(1 - ALPHA / PREDICTORS / 2) + normal.inv_cdf(POWER)
        correlation = tanh(size * sqrt(RANK_VARIANCE / (units - 3)))
        yield (
            f"similarity and gain: a rank correlation of {correlation:.2f} on one target ({units} tasks, "
            f"{PREDICTORS} predictors); a mean over targets that order the tasks otherwise finds less"
        )


def contrast_error(first: int, second: int, seeds: int) -> float:
    """Return that of the mean of `first` chains less the mean of `second` ones, in units of the spread of a gain."""
    return sqrt((1 / first + 1 / second) / 2 / seeds)
