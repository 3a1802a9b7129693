"""From flags to a request: everything checked, before Ray starts and before anything is written."""

import dataclasses
import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.request.needs import Need, Needs, find_needs, list_missing, methods_of
from search.request.options import probes_of, space_of, sweep_name
from search.request.start import model_place, start_of
from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.chain import MLM, MULTITASK
from spaces.errors import UsageError
from spaces.phase import phases
from spaces.plan import Maker, Start, Stratum, strata
from spaces.profile import PROFILES
from spaces.space import Axes, Range, axes
from spaces.stage import Precision
from trainables.data import data
from trainables.data.data import Source
from trainables.methods import needs as methods
from trainables.record.places import Place
from trainables.storage.base import Storage, below, is_remote
from trainables.storage.open import open_storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A sweep that could run: its plan, where it reads and writes, and the specification that names it."""

    name: str
    axes: Axes
    benchmark: Benchmark
    plan: tuple[Stratum, ...]
    maker: Maker
    place: Place
    spec: Mapping[str, Any]
    tasks: tuple[Need, ...]  # all that it reads
    missing: tuple[str, ...]  # what the data lack; only a plan or a check may be shown then
    left_out: tuple[str, ...]  # tasks that are skipped for want of data, and why
    notes: tuple[str, ...]  # what a reader of the scores must know
    sources: Mapping[str, list[str]]  # what each task reads, with the hash of its files or the hub's commit

    @property
    def url(self) -> str:
        """Where the sweep's own folder is: what the analysis is given."""
        return below(self.place.results.url, self.name)


def make_request(options: Namespace) -> Request:
    """Check the flags and resolve them; raises UsageError for the first thing that is wrong."""
    name = sweep_name(options)
    benchmark = BENCHMARKS.find(options.benchmark)
    space = space_of(options, benchmark)
    _check_flags(options)
    source = Source(
        benchmark=benchmark.name,
        world_seed=options.world_seed,
        null_world=options.null_world,
        data=None if options.data is None else str(_folder(options.data)),
        limit=options.limit,
    )
    own = benchmark.name == "miniature"  # it pretrains its encoder
    profile = PROFILES["miniature" if own else "pretrained"]
    resolved = axes(space, benchmark, profile)
    source = dataclasses.replace(source, test_limit=resolved.test_limit)
    needs = find_needs(resolved, benchmark, source, skip_missing=options.skip_missing)
    resolved = needs.axes
    if needs.missing and not (options.plan or options.check):
        raise UsageError(list_missing(needs.missing))
    start, start_faults = _start(options, benchmark, source, profile.name)
    there = () if needs.missing else needs.tasks
    languages = {
        need.name: need.task.languages if needs.missing else data.languages(source, need.task)
        for need in needs.tasks
        if need.role == "target"
    }
    maker = Maker(
        benchmark=benchmark,
        start=start,
        world={"world_seed": source.world_seed, "null_world": source.null_world},
        fingerprints=_fingerprints(source, there, methods_of(resolved)),
        languages=languages,
        phases=phases(
            resolved.intermediates,
            benchmark,
            mixture=resolved.mixture,
            budget=resolved.budget,
            masked=resolved.masked,
        ),
        limit=source.limit,
        test_limit=source.test_limit,
        precision=_precision(options),
    )
    return Request(
        name=name,
        axes=resolved,
        benchmark=benchmark,
        plan=strata(resolved, benchmark, pretrain=own),
        maker=maker,
        place=Place(
            results=_results(options.results),
            source=source,
            model=None if own else model_place(options),
            predictions=options.predictions,
            probes=probes_of(options),
            scratch=None if options.scratch is None else str(Path(options.scratch).resolve()),
        ),
        spec=_spec(options, resolved, benchmark, maker),
        tasks=needs.tasks,
        missing=(*needs.missing, *start_faults),
        left_out=needs.left_out,
        notes=() if needs.missing or options.check else tuple(_notes(source, needs)),  # a check looks anew
        sources={f"{need.role} {need.name}": data.sources(source, need.task, need.language) for need in there},
    )


def _start(options: Namespace, benchmark: Benchmark, source: Source, profile: str) -> tuple[Start, list[str]]:
    """The encoder, and what is wrong with it where `--check` is to list that beside what else is missing."""
    try:
        return start_of(options, benchmark, source, profile), []
    except UsageError as error:
        if not options.check:
            raise
        return Start(name=str(options.model), profile=profile, fingerprint="none"), str(error).splitlines()


def _fingerprints(source: Source, needs: Sequence[Need], used: Sequence[str]) -> dict[tuple[str, str], str]:
    """Of all that stages read: tasks, and the files of methods."""
    if not needs:
        return {}
    prints = {(str(need.role), need.name): data.fingerprint(source, need.task, need.language) for need in needs}
    read = {("method", name): methods.fingerprint(source, name) for name in used}
    return prints | {place: value for place, value in read.items() if value is not None}


def _notes(source: Source, needs: Needs) -> list[str]:
    """What a reader of the scores must know, each line once: targets that share a training share its notes."""
    lines = (line for need in needs.tasks for line in data.notes(source, need.task, need.language))
    return list(dict.fromkeys(lines))


def _check_flags(options: Namespace) -> None:
    miniature = options.benchmark == "miniature"
    if miniature and options.model is not None:
        raise UsageError(f"--model {options.model}: the miniature has its own encoder; --model goes with xtreme.")
    if miniature and options.data is not None:
        raise UsageError(f"--data {options.data}: the miniature makes its own data; --data goes with xtreme.")
    if not miniature and (options.world_seed or options.null_world):
        raise UsageError("--world-seed and --null-world go with the miniature only.")


def _folder(text: str) -> Path:
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"--data {text}: this link leads nowhere ({error}).") from error
    if not path.is_dir():
        raise UsageError(f"--data {text}: there is no such folder.")
    return path


def _precision(options: Namespace) -> Precision:
    """`auto` is bf16 where trials have a GPU. The miniature stays in 32 bits: its figures were measured so."""
    if options.precision != "auto":
        given: Precision = options.precision
        return given
    return "bf16" if options.gpus_per_trial and options.benchmark != "miniature" else "fp32"


def _spec(options: Namespace, resolved: Axes, benchmark: Benchmark, maker: Maker) -> dict[str, Any]:
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
        "masked": dataclasses.asdict(resolved.masked) if _masked(maker) else {},
        "limit": maker.limit,
        "test_limit": maker.test_limit,
        "precision": maker.precision,
        "scheduler": options.scheduler,
        **maker.world,
        "data": {f"{role} {name}": value for (role, name), value in maker.fingerprints.items()},
        "languages": maker.languages,
        "controls": [task.name for task in benchmark.intermediates.values() if task.control],
        "retrieval": [task.name for task in benchmark.targets.values() if task.kind == "retrieval"],
    }
    return dict(json.loads(json.dumps(spec)))


def _masked(maker: Maker) -> bool:
    return any(one.task == MLM for phase in maker.phases.values() for one in phase.ingredients)


def _results(url: str) -> Storage:
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
