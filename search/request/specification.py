"""The specification of a sweep: what `sweep.json` freezes, so that a sweep is only continued as it began."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from search.request import ceiling_rows
from search.request.options import RunOptions
from spaces.benchmark import Benchmark
from spaces.chain import MLM, MULTITASK
from spaces.plan import StageFactory
from spaces.recipe_set import OURS
from spaces.space import Axes, Range
from spaces.sweep_record import READY_ENCODERS, START_FOLDER


def build_spec(
    options: RunOptions,
    axes: Axes,
    benchmark: Benchmark,
    maker: StageFactory,
    places: Mapping[str, str],
    model: str | None,
) -> dict[str, Any]:
    """Return the specification that `sweep.json` freezes, in JSON values only.

    `places` are those of ready encoders, by name, and `model` is the folder or hub id of the start encoder. Folders may
    change, as only contents are part of keys.
    """
    rates = axes.learning_rates
    has_masked_words = any(part.task == MLM for phase in maker.phases.values() for part in phase.ingredients)
    start = {name: value for name, value in dataclasses.asdict(maker.start).items() if value is not None}
    start = {name: value for name, value in start.items() if name not in ("notes", "has_new_head")}
    spec = {
        "space": options.space,
        "benchmark": benchmark.name,
        "model": maker.start.name,
        "start": start,
        "intermediates": axes.intermediates,
        "targets": axes.targets,
        "learning_rates": dataclasses.asdict(rates) if isinstance(rates, Range) else rates,
        "seeds": axes.seeds,
        # Only where there are any, so that sweeps of former versions may get some, too.
        **({"chain_seeds": axes.chain_seeds} if axes.chain_seeds else {}),
        **({READY_ENCODERS: places} if places else {}),
        **({} if model in (None, maker.start.name) else {START_FOLDER: model}),
        "floors": axes.floors,
        # Only where there are any, as sweeps of former versions have none.
        **({"ceilings": ceiling_rows.build_spec_entry(axes, benchmark)} if axes.ceilings else {}),
        **({"target_method": axes.target_method} if axes.target_method else {}),
        **_build_recipe_spec(options.recipe, benchmark),
        "mixture": {MULTITASK: axes.mixture} if axes.mixture else {},
        "budget": dataclasses.asdict(axes.budget),
        # Empty unless a phase has masked words, so that a sweep without them may get some later.
        "masked": dataclasses.asdict(axes.masked) if has_masked_words else {},
        "limit": maker.limit,
        "test_limit": maker.test_limit,
        # Only where there are any, as sweeps of former versions have none.
        **axes.bounds.given,
        "precision": maker.precision,
        "scheduler": options.scheduler,
        **maker.world,
        "data": {f"{role} {name}": value for (role, name), value in maker.fingerprints.items()},
        "languages": maker.languages,
        "controls": [task.name for task in benchmark.intermediates.values() if task.is_control],
        "retrieval": [task.name for task in benchmark.targets.values() if task.kind == "retrieval"],
    }
    return dict(json.loads(json.dumps(spec)))


def _build_recipe_spec(name: str, benchmark: Benchmark) -> dict[str, Any]:
    """Return the name of the recipes and the learning rates that they name; nothing for `ours`.

    So sweeps of former versions may be extended, and a sweep with other recipes or rates may not.
    """
    if name == OURS:
        return {}
    recipes = {task.name: task.recipe for task in (*benchmark.intermediates.values(), *benchmark.targets.values())}
    rates = {task: recipe.learning_rate for task, recipe in recipes.items() if recipe and recipe.learning_rate}
    return {"recipe": name, **({"recipe_rates": rates} if rates else {})}
