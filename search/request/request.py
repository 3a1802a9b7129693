"""From flags to a request. Everything is checked before Ray starts and before anything is written."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.request import ceiling_rows
from search.request.chosen_space import probes_of, resolve_sweep_name, space_of
from search.request.data_source import commits_of, fetch_all, make_source
from search.request.needs import SweepNeeds, TaskNeed, find_needs, format_missing_data, methods_of
from search.request.options import RunOptions
from search.request.ready_encoders import ReadyEncoders, inspect_ready_encoders, place_ready_encoders
from search.request.specification import build_spec
from search.request.start_encoder import find_use, resolve_model, resolve_start
from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.bounds import bound_recipes
from spaces.encoders import profile_of
from spaces.errors import UsageError, first_line_of
from spaces.phase import resolve_phases
from spaces.plan import StageFactory, StartEncoder, Stratum
from spaces.recipes import RECIPE_SETS, choose_recipes
from spaces.shared_training import find_shared_strata
from spaces.space import Axes, Space, resolve_axes
from spaces.stage import Precision
from spaces.strata import expand_strata
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.methods import requirements as methods
from trainables.record.context import StageContext
from trainables.repositories.questions import HubError
from trainables.repositories.record import name_record
from trainables.storage.base import Storage, is_remote, join_url
from trainables.storage.open import open_storage


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """A sweep that could run: its plan, where it reads and writes, and the specification that names it."""

    name: str
    axes: Axes
    benchmark: Benchmark  # its tasks have the recipes that `recipe` names
    recipe: str
    plan: tuple[Stratum, ...]
    maker: StageFactory
    shared: Mapping[str, str]  # the phase's stratum by each target's that is trained alike, both by id
    context: StageContext
    spec: Mapping[str, Any]
    task_needs: tuple[TaskNeed, ...]  # all tasks that it reads
    missing_data: tuple[str, ...]  # if there are any, only a plan or a check may be shown
    skipped_tasks: tuple[str, ...]  # tasks without data, and why
    notes: tuple[str, ...]  # notes for readers of the scores
    provenance: Mapping[str, list[str]]  # by task: the files with their hashes
    foreign_notes: tuple[str, ...]  # what the data lack of rows that ceilings and --target-dev read
    target_dev_sets: frozenset[str]  # training sets with dev rows in other languages, with --target-dev
    hub_notes: tuple[str, ...]  # what the user must know of the hub's repositories
    whole_plan: tuple[Stratum, ...] | None = None  # of the sweep, where `plan` is only its preview

    @property
    def repositories(self) -> Mapping[str, str | None]:
        """The commit of each repository that is read; None for one that the hub does not have."""
        hub = self.context.source.hub
        return {} if hub is None else commits_of(hub)

    @property
    def url(self) -> str:
        """The sweep's own folder, as the analysis takes it."""
        return join_url(self.context.results.url, self.name)


def make_request(options: RunOptions) -> SweepRequest:
    """Check and resolve the flags. Raise UsageError for the first thing that is wrong."""
    name = resolve_sweep_name(options)
    benchmark, space = _choose_benchmark_and_space(options)
    (space, places), results = place_ready_encoders(space), _open_results(options.results)
    source = make_source(options, results, name, other_models=tuple(places.values()))
    is_miniature, profile = benchmark.name == "miniature", profile_of(benchmark.name)
    axes = resolve_axes(space, benchmark, profile)
    if axes.chain_seeds and options.scheduler == "racing":
        raise UsageError(
            f"--scheduler racing gives out the seeds itself, but {', '.join(axes.chain_seeds)} has seeds of its own. "
            "Leave these out, or take another scheduler."
        )
    source = dataclasses.replace(
        source,
        limit=axes.bounds.limit,
        test_limit=axes.bounds.test_limit,
        pool_limit=axes.bounds.pool_limit,
        probe_limit=axes.bounds.probe_limit,
    )
    if source.hub is not None:
        fetch_all(source, axes, benchmark, resolve_model(options), target_dev=options.target_dev)
    needs = find_needs(axes, benchmark, source, skip_missing=options.skip_missing)
    if needs.missing_data and not options.is_dry_run:
        raise UsageError(format_missing_data(needs.missing_data))
    start, start_problems = _resolve_or_report_start(options, benchmark, source, profile.name, needs)
    model = None if is_miniature else resolve_model(options)
    ready = inspect_ready_encoders(places, needs.axes, benchmark, source, model)
    maker = _build_maker(options, benchmark, source, needs, start, ready)
    probe_notes = task_data.collect_probe_notes(source) if "alignment" in probes_of(options) else []  # asks the hub
    dev_sets, dev_notes = frozenset[str](), tuple[str, ...]()
    if options.target_dev and not needs.missing_data:
        dev_sets, dev_notes = ceiling_rows.find_target_dev(needs.axes, benchmark, source)
    plan = expand_strata(needs.axes, benchmark, pretrain=is_miniature)
    return SweepRequest(
        name=name,
        axes=needs.axes,
        benchmark=benchmark,
        recipe=options.recipe,
        plan=plan,
        maker=maker,
        shared=find_shared_strata(plan, maker),
        context=StageContext(
            results=results,
            source=source,
            hub_record=None if source.hub is None else name_record(name),
            model=model,
            ready_encoders=ready.places,
            keep_predictions=options.predictions,
            keep_models=options.keep_models,
            target_dev=options.target_dev,
            probes=probes_of(options),
            packages=methods.list_packages(methods_of(axes)),
            scratch=None if options.scratch is None else str(Path(options.scratch).resolve()),
        ),
        spec=build_spec(options, needs.axes, benchmark, maker, ready.places, model),
        task_needs=needs.task_needs,
        missing_data=(*needs.missing_data, *start_problems),
        skipped_tasks=needs.skipped_tasks,
        notes=()
        if options.check
        else (*start.notes, *ready.notes, *_collect_notes(source, needs), *probe_notes),  # a check has its own
        provenance={
            " ".join(need.key): task_data.describe_locations(source, need.task, need.language)
            for need in needs.readable_needs
        }
        | ({} if needs.missing_data else ceiling_rows.describe_locations(source, needs.axes, benchmark)),
        foreign_notes=(*needs.ceiling_notes, *dev_notes),
        target_dev_sets=dev_sets,
        hub_notes=() if source.hub is None else tuple(dict.fromkeys(source.hub.notes)),
    )


def _choose_benchmark_and_space(options: RunOptions) -> tuple[Benchmark, Space]:
    """Return the benchmark with the named recipes under the space's bounds, and the space.

    Learning rates that a flag or a space file gives are for all recipes; else each recipe may name its own.
    """
    benchmark = choose_recipes(BENCHMARKS.find(options.benchmark), options.recipe)
    space = space_of(options, benchmark)
    if not isinstance(space.learning_rates, str):
        benchmark = choose_recipes(BENCHMARKS[benchmark.name], options.recipe, with_rates=False)
    elif (rates := RECIPE_SETS[options.recipe].learning_rates) is not None:
        space = dataclasses.replace(space, learning_rates=rates)
    return bound_recipes(benchmark, space.bounds), space


def _resolve_or_report_start(
    options: RunOptions, benchmark: Benchmark, source: DataSource, profile: str, needs: SweepNeeds
) -> tuple[StartEncoder, list[str]]:
    """Return the encoder and its problems. Only `--check` lists them, beside other missing data; else they raise.

    A plan needs no encoder: one of which the hub cannot say anything now is listed there, too.
    """
    try:
        use = find_use((need.task for need in needs.task_needs), methods_of(needs.axes))
        return resolve_start(options, benchmark, source, profile, use=use), []
    except UsageError as error:
        if not options.check and not (options.plan and isinstance(error, HubError)):
            raise
        return StartEncoder(name=str(options.model), profile=profile, fingerprint="none"), str(error).splitlines()


def _build_maker(
    options: RunOptions,
    benchmark: Benchmark,
    source: DataSource,
    needs: SweepNeeds,
    start: StartEncoder,
    ready: ReadyEncoders,
) -> StageFactory:
    axes = needs.axes
    phases = resolve_phases(axes.intermediates, benchmark, mixture=axes.mixture, budget=axes.budget, masked=axes.masked)
    languages = {
        need.name: need.task.languages if needs.missing_data else task_data.find_languages(source, need.task)
        for need in needs.task_needs
        if need.role == "target"
    }
    return StageFactory(
        benchmark=benchmark,
        start=start,
        world={"world_seed": source.world_seed, "null_world": source.null_world},
        ceilings={ceiling.name: ceiling for ceiling in axes.ceilings},
        fingerprints=_collect_fingerprints(source, needs, start)
        | {("ready", name): fingerprint for name, fingerprint in ready.fingerprints.items()}
        | ({} if needs.missing_data else ceiling_rows.collect_fingerprints(source, axes, benchmark)),
        languages=languages,
        phases=phases,
        target_method=axes.target_method,
        limit=source.limit,
        test_limit=source.test_limit,
        pool_limit=source.pool_limit,
        precision=_resolve_precision(options),
    )


def _collect_fingerprints(source: DataSource, needs: SweepNeeds, start: StartEncoder) -> dict[tuple[str, str], str]:
    """Return the fingerprints of everything that stages read: data of tasks, and files of methods.

    Masked words that begin with a head that former versions replaced by a random one are marked.
    """
    fingerprints: dict[tuple[str, str], str] = {
        need.key: task_data.compute_fingerprint(source, need.task, need.language) for need in needs.readable_needs
    }
    if start.has_new_head:
        marked = [need.key for need in needs.readable_needs if need.task.kind == "mlm"]
        fingerprints |= {key: f"{fingerprints[key]}+head" for key in marked}
    for name in methods_of(needs.axes) if needs.readable_needs else ():
        fingerprint = methods.compute_fingerprint(source, name)
        if fingerprint is not None:
            fingerprints["method", name] = fingerprint
    return fingerprints


def _collect_notes(source: DataSource, needs: SweepNeeds) -> tuple[str, ...]:
    """Return notes for readers of the scores, each once: targets that share a training set share its notes."""
    lines = (
        line for need in needs.readable_needs for line in task_data.collect_notes(source, need.task, need.language)
    )
    return tuple(dict.fromkeys(lines))


def _resolve_precision(options: RunOptions) -> Precision:
    """Return the precision; `auto` is bf16 on GPUs. The miniature's recorded figures were measured in 32 bits."""
    if options.precision != "auto":
        return options.precision
    return "bf16" if options.gpus_per_trial and options.benchmark != "miniature" else "fp32"


def _open_results(url: str) -> Storage:
    if not is_remote(url):
        return open_storage(str(Path(url).resolve()))
    try:
        return open_storage(url)
    except ValueError as error:
        raise UsageError(f"--results {error}.") from error
    except OSError as error:
        raise UsageError(f"--results {url} cannot be reached: {first_line_of(error).rstrip('.')}.") from error
