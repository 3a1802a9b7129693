"""From flags to a request: everything checked, before Ray starts and before anything is written."""

import dataclasses
import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.request.needs import SweepNeeds, TaskNeed, find_needs, format_missing_data, methods_of
from search.request.options import probes_of, resolve_sweep_name, space_of
from search.request.start_encoder import resolve_model, resolve_start
from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.chain import MLM, MULTITASK
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.phase import resolve_phases
from spaces.plan import StageFactory, StartEncoder, Stratum, expand_strata
from spaces.space import Axes, Range, resolve_axes
from spaces.stage import Precision
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.methods import requirements as methods
from trainables.record.context import StageContext
from trainables.storage.base import Storage, is_remote, join_url
from trainables.storage.open import open_storage


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """A sweep that could run: its plan, where it reads and writes, and the specification that names it."""

    name: str
    axes: Axes
    benchmark: Benchmark
    plan: tuple[Stratum, ...]
    maker: StageFactory
    context: StageContext
    spec: Mapping[str, Any]
    task_needs: tuple[TaskNeed, ...]  # all that it reads
    missing_data: tuple[str, ...]  # what the data lack; only a plan or a check may be shown then
    skipped_tasks: tuple[str, ...]  # tasks that are skipped for want of data, and why
    notes: tuple[str, ...]  # what a reader of the scores must know
    provenance: Mapping[str, list[str]]  # what each task reads, with the hash of its files or the hub's commit

    @property
    def url(self) -> str:
        """Where the sweep's own folder is: what the analysis is given."""
        return join_url(self.context.results.url, self.name)


def make_request(options: Namespace) -> SweepRequest:
    """Check the flags and resolve them; raises UsageError for the first thing that is wrong."""
    name = resolve_sweep_name(options)
    benchmark = BENCHMARKS.find(options.benchmark)
    space = space_of(options, benchmark)
    _check_flags(options)
    source = DataSource(
        benchmark=benchmark.name,
        world_seed=options.world_seed,
        null_world=options.null_world,
        data=None if options.data is None else str(_resolve_data_folder(options.data)),
        limit=options.limit,
    )
    own = benchmark.name == "miniature"  # it pretrains its encoder
    profile = PROFILES["miniature" if own else "pretrained"]
    resolved = resolve_axes(space, benchmark, profile)
    source = dataclasses.replace(source, test_limit=resolved.test_limit)
    needs = find_needs(resolved, benchmark, source, skip_missing=options.skip_missing)
    resolved = needs.axes
    if needs.missing_data and not (options.plan or options.check):
        raise UsageError(format_missing_data(needs.missing_data))
    start, start_faults = _check_start(options, benchmark, source, profile.name)
    there = () if needs.missing_data else needs.task_needs
    languages = {
        need.name: need.task.languages if needs.missing_data else task_data.find_languages(source, need.task)
        for need in needs.task_needs
        if need.role == "target"
    }
    maker = StageFactory(
        benchmark=benchmark,
        start=start,
        world={"world_seed": source.world_seed, "null_world": source.null_world},
        fingerprints=_collect_fingerprints(source, there, methods_of(resolved)),
        languages=languages,
        phases=resolve_phases(
            resolved.intermediates,
            benchmark,
            mixture=resolved.mixture,
            budget=resolved.budget,
            masked=resolved.masked,
        ),
        limit=source.limit,
        test_limit=source.test_limit,
        precision=_resolve_precision(options),
    )
    return SweepRequest(
        name=name,
        axes=resolved,
        benchmark=benchmark,
        plan=expand_strata(resolved, benchmark, pretrain=own),
        maker=maker,
        context=StageContext(
            results=_open_results(options.results),
            source=source,
            model=None if own else resolve_model(options),
            keep_predictions=options.predictions,
            probes=probes_of(options),
            scratch=None if options.scratch is None else str(Path(options.scratch).resolve()),
        ),
        spec=_build_spec(options, resolved, benchmark, maker),
        task_needs=needs.task_needs,
        missing_data=(*needs.missing_data, *start_faults),
        skipped_tasks=needs.skipped_tasks,
        notes=() if needs.missing_data or options.check else tuple(_collect_notes(source, needs)),  # a check looks anew
        provenance={
            f"{need.role} {need.name}": task_data.describe_locations(source, need.task, need.language) for need in there
        },
    )


def _check_start(
    options: Namespace, benchmark: Benchmark, source: DataSource, profile: str
) -> tuple[StartEncoder, list[str]]:
    """The encoder, and what is wrong with it where `--check` is to list that beside what else is missing."""
    try:
        return resolve_start(options, benchmark, source, profile), []
    except UsageError as error:
        if not options.check:
            raise
        return StartEncoder(name=str(options.model), profile=profile, fingerprint="none"), str(error).splitlines()


def _collect_fingerprints(
    source: DataSource, needs: Sequence[TaskNeed], used: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Of all that stages read: tasks, and the files of methods."""
    if not needs:
        return {}
    prints = {
        (str(need.role), need.name): task_data.compute_fingerprint(source, need.task, need.language) for need in needs
    }
    read = {("method", name): methods.compute_fingerprint(source, name) for name in used}
    return prints | {place: value for place, value in read.items() if value is not None}


def _collect_notes(source: DataSource, needs: SweepNeeds) -> list[str]:
    """What a reader of the scores must know, each line once: targets that share a training share its notes."""
    lines = (line for need in needs.task_needs for line in task_data.collect_notes(source, need.task, need.language))
    return list(dict.fromkeys(lines))


def _check_flags(options: Namespace) -> None:
    miniature = options.benchmark == "miniature"
    if miniature and options.model is not None:
        raise UsageError(f"--model {options.model}: the miniature has its own encoder; --model goes with xtreme.")
    if miniature and options.data is not None:
        raise UsageError(f"--data {options.data}: the miniature makes its own data; --data goes with xtreme.")
    if not miniature and (options.world_seed or options.null_world):
        raise UsageError("--world-seed and --null-world go with the miniature only.")


def _resolve_data_folder(text: str) -> Path:
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"--data {text}: this link leads nowhere ({error}).") from error
    if not path.is_dir():
        raise UsageError(f"--data {text}: there is no such folder.")
    return path


def _resolve_precision(options: Namespace) -> Precision:
    """`auto` is bf16 where trials have a GPU. The miniature stays in 32 bits: its figures were measured so."""
    if options.precision != "auto":
        given: Precision = options.precision
        return given
    return "bf16" if options.gpus_per_trial and options.benchmark != "miniature" else "fp32"


def _build_spec(options: Namespace, resolved: Axes, benchmark: Benchmark, maker: StageFactory) -> dict[str, Any]:
    """What `sweep.json` freezes: JSON values only."""
    rates = resolved.learning_rates
    start = {name: value for name, value in dataclasses.asdict(maker.start).items() if value is not None}
    spec = {
        "space": options.space,
        "benchmark": benchmark.name,
        "model": maker.start.name,
        "start": start,
        "intermediates": resolved.intermediates,
        "targets": resolved.targets,
        "learning_rates": dataclasses.asdict(rates) if isinstance(rates, Range) else rates,
        "seeds": resolved.seeds,
        "floors": resolved.floors,
        "mixture": {MULTITASK: resolved.mixture} if resolved.mixture else {},
        "budget": dataclasses.asdict(resolved.budget),
        # Only where a phase has masked words: a sweep that has none yet may get them.
        "masked": dataclasses.asdict(resolved.masked) if _has_masked_words(maker) else {},
        "limit": maker.limit,
        "test_limit": maker.test_limit,
        "precision": maker.precision,
        "scheduler": options.scheduler,
        **maker.world,
        "data": {f"{role} {name}": value for (role, name), value in maker.fingerprints.items()},
        "languages": maker.languages,
        "controls": [task.name for task in benchmark.intermediates.values() if task.is_control],
        "retrieval": [task.name for task in benchmark.targets.values() if task.kind == "retrieval"],
    }
    return dict(json.loads(json.dumps(spec)))


def _has_masked_words(maker: StageFactory) -> bool:
    return any(one.task == MLM for phase in maker.phases.values() for one in phase.ingredients)


def _open_results(url: str) -> Storage:
    if not is_remote(url):
        return open_storage(str(Path(url).resolve()))
    try:
        return open_storage(url)
    except ValueError as error:
        raise UsageError(f"--results {error}.") from error


def check_writable(results: Storage) -> None:
    """Raise UsageError if the results could not be written; makes no folder."""
    if is_remote(results.url):
        try:
            results.has(".lock")
        except OSError as error:
            raise UsageError(f"the results in {results.url} cannot be reached: {error}.") from error
        return
    place = Path(results.url)
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"the results folder {results.url} cannot be written: {place} is not a writable folder.")
