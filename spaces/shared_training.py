"""Shared trainings: a phase and a target whose trainings are the same work, so that one of them is enough.

MultiNLI as an intermediate task is trained as XNLI is after no intermediate task, and SQuAD as XQuAD and MLQA are: the
same start, rows, recipe, rate and seed. The phase's stage then leaves the target's stage its trained weights, and what
is left to do there is the evaluation. Keys and scores are those of two trainings.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from spaces.benchmark import Benchmark
from spaces.chain import RANDOM_ENCODER
from spaces.language import ENGLISH
from spaces.plan import StageFactory, Stratum
from spaces.space import Range
from spaces.task import Task
from spaces.untrained_phase import is_untrained
from spaces.xtreme_data import TASK_SPLITS


def find_shared_strata(plan: Sequence[Stratum], maker: StageFactory) -> dict[str, str]:
    """Return the phase's stratum by the id of each target's stratum that is trained alike, at all of its rates."""
    phases: dict[str, Stratum] = {}
    for stratum in plan:
        if stratum.kind == "intermediate" and (training := describe_training(stratum, maker)) is not None:
            phases.setdefault(training, stratum)
    parents = {phase.parent for phase in phases.values()}
    shared = {}
    for stratum in plan:
        if stratum.kind == "target" and stratum.parent in parents:
            phase = phases.get(describe_training(stratum, maker) or "")
            if phase is not None and _has_rates_of(phase, stratum):
                shared[stratum.id] = phase.id
    return shared


def _has_rates_of(phase: Stratum, target: Stratum) -> bool:
    """Return True if a phase has all rates of a target; draws from a range are of each stratum's own."""
    if isinstance(phase.rates, Range) or isinstance(target.rates, Range):
        return False
    return set(target.rates) <= set(phase.rates)


def describe_training(stratum: Stratum, maker: StageFactory) -> str | None:
    """Return a text that is equal for strata of a plan with the same training; None for one that nothing else equals.

    Whether the rows are the same too, the worker of the phase sees: parts of a split may be missing.
    """
    recipe, benchmark = dict(maker.recipe_of(stratum) or {}), maker.benchmark
    evaluated = [name for name in stratum.targets if maker.languages.get(name)]
    if stratum.kind == "target" and evaluated:
        task = benchmark.targets[evaluated[0]]
    elif stratum.kind == "intermediate" and not is_untrained(recipe):
        (name, language), *others = recipe.pop("ingredients")
        task = benchmark.intermediates[name]
        if others or language != ENGLISH or task.is_control:
            return None
    else:
        return None
    start = [stratum.seed, stratum.parent, stratum.intermediate == RANDOM_ENCODER]
    return json.dumps([start, _normalize(recipe), _describe_task(task, benchmark)], sort_keys=True)


def _normalize(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(value) if type(value) is int else value for name, value in recipe.items()}


def _describe_task(task: Task, benchmark: Benchmark) -> list[Any]:
    """Return what of a task decides how it is trained; each task of the miniature has rows of its own."""
    splits = None if benchmark.name == "miniature" else TASK_SPLITS.get(task.trained_as)
    rows: Any = task.name if splits is None else [dataclasses.asdict(part) for part in splits.train]
    return [task.kind, task.labels, task.has_unanswerable, task.option_count, rows]
