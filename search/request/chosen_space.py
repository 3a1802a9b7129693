"""From the values of the flags to a space, the families of probes and the sweep's name."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from search.request import flag_values as values
from search.request.options import RunOptions
from spaces.benchmark import BENCHMARKS, Benchmark, Budget
from spaces.bounds import BOUND_NAMES, Bounds
from spaces.chain import MLM
from spaces.encoders import profile_of
from spaces.errors import UsageError
from spaces.named_spaces import SPACE_FILES, SPACES, find_space
from spaces.phase import MaskedWords
from spaces.probe_columns import PROBE_FAMILIES
from spaces.space import Space, resolve_axes
from spaces.space_file import format_space

Settings = TypeVar("Settings", Space, Budget, Bounds, MaskedWords)


def space_of(options: RunOptions, benchmark: Benchmark) -> Space:
    """Return the named space, with the axes replaced that flags give. Raise UsageError for an unknown name or value."""
    space = find_space(options.space, benchmark)
    if "alignment" in probes_of(options) and space.name in SPACES:  # a space of the user's own is taken as it is
        space = dataclasses.replace(space, intermediates=_add_controls(space, benchmark))
    languages = _parse_list("mlm-languages", options.mlm_languages, str)
    masked = {"share": options.mlm_share, "languages": languages, "smoothing": options.mlm_smoothing}
    rates = options.learning_rates
    seeds, chain_seeds = (None, None) if options.seeds is None else values.parse_seeds(options.seeds)
    if chain_seeds is None and options.scheduler == "racing":  # which gives out the seeds itself
        chain_seeds = {}
    flags = {
        "intermediates": _parse_list("intermediates", options.intermediates, str),
        "targets": _parse_list("targets", options.targets, str),
        "seeds": seeds or None,  # without a part for all chains, those of the space
        "chain_seeds": chain_seeds,
        "learning_rates": None if rates is None else values.parse_rates(rates),
        "floor": options.floor or None,
        "translate_train": options.translate_train or None,
        "target_shots": options.target_shots,
        "target_method": options.target_method,
        "budget": _apply_flags(space.budget, {"steps": options.steps, "examples": options.examples}),
        "bounds": _apply_flags(space.bounds, {name: getattr(options, name) for name in BOUND_NAMES}),
        "masked": _apply_flags(space.masked, masked),
    }
    return _apply_flags(space, flags)


def format_chosen_space(options: RunOptions) -> str:
    """Return the space of these flags as a TOML file. Raise UsageError for an unknown name or value."""
    benchmark = BENCHMARKS.find(options.benchmark)
    space = space_of(options, benchmark)
    resolve_axes(space, benchmark, profile_of(benchmark.name))
    return format_space(space, benchmark)


def _parse_list(flag: str, text: str | None, parse_item: Callable[[str], object]) -> tuple[object, ...] | None:
    return None if text is None else values.parse_list(flag, text, parse_item)


def _apply_flags(settings: Settings, flags: Mapping[str, object]) -> Settings:
    changes: Any = {name: value for name, value in flags.items() if value is not None}
    return dataclasses.replace(settings, **changes)


def probes_of(options: RunOptions) -> tuple[str, ...]:
    """Return the requested families of probes, in table order. Raise UsageError for an unknown one."""
    if options.probes is None:
        return ()
    requested = values.parse_list("probes", options.probes, lambda name: PROBE_FAMILIES.find(name).name)
    return tuple(name for name in PROBE_FAMILIES if name in requested)


def _add_controls(space: Space, benchmark: Benchmark) -> tuple[str, ...]:
    """Return the space's chains and two controls, which tell what part of a change in alignment any training brings."""
    names = benchmark.intermediate_names() if space.intermediates is None else space.intermediates
    controls = (task.name for task in benchmark.intermediates.values() if task.is_control or task.name == MLM)
    return tuple(dict.fromkeys((*names, *controls)))


def resolve_sweep_name(options: RunOptions) -> str:
    """Return the sweep's name, which is a folder in the results. Raise UsageError for one that is no plain name."""
    space = Path(options.space).stem if options.space.endswith(SPACE_FILES) else options.space
    name = options.name if options.name is not None else f"{space}-{options.benchmark}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or name in ("stages", "encoded"):
        raise UsageError(
            f"--name {name!r}: a sweep's name has letters, digits, '.', '_' and '-', begins with a letter or digit, "
            "and is not 'stages' or 'encoded'."
        )
    return name
