"""The command that continues a sweep with more seeds, from what `sweep.json` says of it."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.scores.record import list_planned_ceilings
from spaces.benchmark import BENCHMARKS
from spaces.bounds import BOUND_NAMES
from spaces.ceilings import TRANSLATE_TRAIN, count_shots
from spaces.chain import FOLDER, NONE, rename_phases
from spaces.encoders import profile_of
from spaces.named_spaces import SPACES
from spaces.space import Axes, resolve_axes
from spaces.sweep_record import READY_ENCODERS, START_FOLDER

Spec = Mapping[str, Any]

# What sweep.json has nothing of.
UNRECORDED = "--data, --predictions, --probes, --keep, --keep-models and the flags about machines"


def build_command(folder: str, spec: Spec, chain_seeds: Mapping[str, Sequence[int]]) -> str:
    """Return the command that gives chains the seeds `chain_seeds`, for the sweep in a folder or at a URL.

    A space that is a file is not read: its axes are repeated as flags.
    """
    results, _, name = folder.rstrip("/").rpartition("/")
    benchmark, space = str(spec["benchmark"]), str(spec.get("space", "full"))
    flags = ["--space", space]
    model = str(spec.get(START_FOLDER) or spec.get("model"))
    flags += [] if benchmark == "miniature" else ["--benchmark", benchmark, "--model", model]
    flags += _list_axis_flags(spec, _find_axes(space, benchmark))
    flags += _list_setting_flags(spec, benchmark)
    flags += [] if results in ("runs", "./runs") else ["--results", results or "."]
    flags += [] if name == f"{Path(space).stem}-{benchmark}" else ["--name", name]
    flags += ["--seeds", format_seeds(spec["seeds"], chain_seeds)]
    return shlex.join(["python", "search/run.py", *flags])


def format_seeds(common: Sequence[int], chain_seeds: Mapping[str, Sequence[int]]) -> str:
    """Return the value of `--seeds`, such as `0..2,none=0..5,mnli=0..5`."""
    parts = _format_ranges(common)
    return ",".join(
        [*parts, *(f"{name}={part}" for name, seeds in chain_seeds.items() for part in _format_ranges(seeds))]
    )


def _format_ranges(seeds: Sequence[int]) -> list[str]:
    """Return seeds as ranges: `0..2`, or `7` alone."""
    ranges: list[list[int]] = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return [str(low) if low == high else f"{low}..{high}" for low, high in ranges]


def _find_axes(space: str, benchmark: str) -> Axes | None:
    """Return the axes that a named space has without flags; None for a file."""
    if space not in SPACES or benchmark not in BENCHMARKS:
        return None
    table = BENCHMARKS[benchmark]
    return resolve_axes(SPACES[space].build(table), table, profile_of(benchmark))


def _list_axis_flags(spec: Spec, axes: Axes | None) -> list[str]:
    flags = []
    for flag, field in (("--intermediates", "intermediates"), ("--targets", "targets")):
        names = [_place_ready(name, spec) for name in spec[field] if name != NONE] or [NONE]
        default = None if axes is None else [name for name in getattr(axes, field) if name != NONE]
        flags += [] if names == default else [flag, ",".join(names)]
    rates = spec.get("learning_rates")
    if isinstance(rates, Mapping):
        flags += ["--learning-rates", f"{rates['low']:g}..{rates['high']:g}:{rates['draws']}"]
    elif rates and (axes is None or list(rates) != _listed(axes.learning_rates) or _ignores_recipe_rates(spec)):
        flags += ["--learning-rates", ",".join(f"{rate:g}" for rate in rates)]
    if axes is None or bool(spec.get("floors")) != bool(axes.floors):
        flags += ["--floor"] if spec.get("floors") else []
    for ceiling in list_planned_ceilings(spec):
        flags += ["--translate-train"] if ceiling == TRANSLATE_TRAIN else ["--target-shots", str(count_shots(ceiling))]
    budget = spec.get("budget") or {}
    for field in ("steps", "examples"):
        is_default = axes is not None and budget.get(field) == getattr(axes.budget, field)
        flags += [] if budget.get(field) is None or is_default else [f"--{field}", str(budget[field])]
    for name in BOUND_NAMES:
        is_default = axes is not None and spec.get(name) == getattr(axes.bounds, name)
        flags += [] if spec.get(name) is None or is_default else [f"--{name.replace('_', '-')}", str(spec[name])]
    return flags


def _place_ready(chain: str, spec: Spec) -> str:
    """Return a chain in which folders have their paths: in results they have their own names."""
    places = {name: place for name, place in (spec.get(READY_ENCODERS) or {}).items() if name.startswith(FOLDER)}
    return rename_phases(chain, lambda phase: f"{FOLDER}{places[phase]}" if phase in places else phase)


def _ignores_recipe_rates(spec: Spec) -> bool:
    """Return True if the sweep has the schedules of a recipe but other learning rates, which a flag gave."""
    return "recipe" in spec and "recipe_rates" not in spec


def _list_setting_flags(spec: Spec, benchmark: str) -> list[str]:
    flags = ["--recipe", str(spec["recipe"])] if "recipe" in spec else []
    flags += ["--target-method", str(spec["target_method"])] if "target_method" in spec else []
    flags += ["--precision", str(spec["precision"])] if benchmark != "miniature" and "precision" in spec else []
    flags += [] if spec.get("scheduler", "halving") == "halving" else ["--scheduler", str(spec["scheduler"])]
    flags += ["--world-seed", str(spec["world_seed"])] if spec.get("world_seed") else []
    flags += ["--null-world"] if spec.get("null_world") else []
    masked = spec.get("masked") or {}
    flags += ["--mlm-share", f"{masked['share']:g}"] if "share" in masked else []
    flags += ["--mlm-languages", ",".join(masked["languages"])] if masked.get("languages") else []
    return flags + (["--mlm-smoothing", f"{masked['smoothing']:g}"] if "smoothing" in masked else [])


def _listed(rates: object) -> list[float] | None:
    return list(rates) if isinstance(rates, tuple) else None
