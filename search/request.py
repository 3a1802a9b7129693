"""From flags to a request: everything checked, before Ray starts and before anything is written."""

import dataclasses
import hashlib
import json
import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.options import space_of, sweep_name
from spaces import encoders
from spaces.benchmark import BENCHMARKS, MULTITASK, NONE, Benchmark
from spaces.errors import UsageError
from spaces.own_encoders import MINIATURE_PRETRAINING, SmallRecipe
from spaces.plan import Maker, Start, Stratum, strata
from spaces.profile import PROFILES
from spaces.space import Axes, Range, axes
from spaces.task import Task
from trainables import data
from trainables.data import Source
from trainables.places import Place

SMALL = "small"


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
    missing: tuple[str, ...]  # what the data lack; only a plan may be shown then
    notes: tuple[str, ...]  # what a reader of the scores must know

    @property
    def folder(self) -> Path:
        """The sweep's own folder."""
        return self.place.results / self.name

    @property
    def competing(self) -> set[str]:
        """Ids of the strata with more than one arm."""
        return {stratum.id for stratum in self.plan if stratum.arms > 1}


def make_request(options: Namespace) -> Request:
    """Check the flags and resolve them; raises UsageError for the first thing that is wrong."""
    name = sweep_name(options)
    benchmark = BENCHMARKS.find(options.benchmark)
    space = space_of(options)
    _check_flags(options)
    source = Source(
        benchmark=benchmark.name,
        world_seed=options.world_seed,
        null_world=options.null_world,
        data=None if options.data is None else str(_folder(options.data)),
        limit=options.limit,
    )
    own = benchmark.name == "miniature" or options.model == SMALL
    profile = PROFILES.find("miniature" if benchmark.name == "miniature" else SMALL if own else "pretrained")
    if options.model == SMALL:
        space = dataclasses.replace(space, floor=True)  # its scores mean little without the floor beside them
    resolved = axes(space, benchmark, profile)
    source = dataclasses.replace(source, test_limit=resolved.test_limit)
    tasks = _tasks(benchmark, resolved)
    missing = data.missing(source, [task for _, task in tasks])
    if missing and not options.plan:
        raise UsageError(_list_missing(missing))
    start = _start(options, benchmark, source, profile.name)
    prints = {} if missing else {(role, task.name): data.fingerprint(source, task) for role, task in tasks}
    languages = {task.name: _languages(source, task, missing) for role, task in tasks if role == "target"}
    maker = Maker(
        benchmark=benchmark,
        start=start,
        world={"world_seed": source.world_seed, "null_world": source.null_world},
        fingerprints=prints,
        languages=languages,
        limit=source.limit,
        test_limit=source.test_limit,
    )
    return Request(
        name=name,
        axes=resolved,
        benchmark=benchmark,
        plan=strata(resolved, benchmark, pretrain=own),
        maker=maker,
        place=Place(
            results=Path(options.results).resolve(),
            source=source,
            model=None if own else _model_place(options),
            predictions=options.predictions,
        ),
        spec=_spec(options, resolved, benchmark, maker),
        missing=tuple(missing),
        notes=tuple(data.notes(source, [task for _, task in tasks])) if not missing else (),
    )


def _check_flags(options: Namespace) -> None:
    miniature = options.benchmark == "miniature"
    if miniature and options.model is not None:
        raise UsageError(f"--model {options.model}: the miniature has its own encoder; --model goes with xtreme.")
    if miniature and options.data is not None:
        raise UsageError(f"--data {options.data}: the miniature makes its own data; --data goes with xtreme.")
    if not miniature and (options.world_seed or options.null_world):
        raise UsageError("--world-seed and --null-world go with the miniature only.")
    if options.model != SMALL and (options.small_steps or options.small_width or options.small_layers):
        raise UsageError("--small-steps, --small-width and --small-layers go with --model small only.")


def _folder(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise UsageError(f"--data {text}: there is no such folder.")
    return path


def _tasks(benchmark: Benchmark, resolved: Axes) -> list[tuple[str, Task]]:
    """Every task that the sweep reads, with its role."""
    names = [name for name in resolved.intermediates if name != NONE]
    mixed = benchmark.mixed() if MULTITASK in names else ()
    tasks = [("intermediate", benchmark.intermediates[name]) for name in names if name != MULTITASK]
    tasks += [("intermediate", task) for task in mixed if task.name not in names]
    return tasks + [("target", task) for task in evaluated(benchmark, resolved)]


def evaluated(benchmark: Benchmark, resolved: Axes) -> list[Task]:
    """The targets of the axes, and those that share a training with one of them."""
    chosen = [benchmark.targets[name] for name in resolved.targets]
    shared = {task.training for task in chosen if task.training is not None}
    return [task for task in benchmark.targets.values() if task in chosen or task.training in shared]


def _list_missing(missing: list[str]) -> str:
    return "the data lack what this sweep needs:\n" + "\n".join(f"  {line}" for line in missing)


def _languages(source: Source, task: Task, missing: list[str]) -> tuple[str, ...]:
    return task.languages if missing else data.languages(source, task)


def _start(options: Namespace, benchmark: Benchmark, source: Source, profile: str) -> Start:
    if benchmark.name == "miniature":
        return Start(
            name="miniature",
            profile=profile,
            recipe=dataclasses.asdict(MINIATURE_PRETRAINING),
            data=data.fingerprint(source, next(iter(benchmark.targets.values()))),
        )
    if options.model == SMALL:
        given = {"steps": options.small_steps, "width": options.small_width, "layers": options.small_layers}
        recipe = SmallRecipe(**{name: value for name, value in given.items() if value is not None})
        if source.folder is None:
            raise UsageError("--model small is pretrained on local/bible-text: give the folder that has it by --data.")
        text = data.text_fingerprint(source.folder, recipe.languages)
        return Start(name=SMALL, profile=profile, recipe=dataclasses.asdict(recipe), data=text)
    model = options.model or encoders.DEFAULT
    if options.plan and not Path(model).exists():
        return Start(name=model, profile=profile)
    # A folder is known by its own name and its contents; where it lies is no part of any key.
    name = Path(model).resolve().name if Path(model).is_dir() else model
    return Start(name=name, profile=profile, fingerprint=model_fingerprint(model))


def _model_place(options: Namespace) -> str:
    """The hub id or the folder that workers load the given encoder from."""
    model: str = options.model or encoders.DEFAULT
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def model_fingerprint(model: str) -> str:
    """A hash of a folder's weights, tokenizer and configuration, or the revision of a hub id.

    Raises UsageError for a folder without weights or tokenizer, and for an id that is neither here nor on the hub.
    """
    folder = Path(model)
    if folder.exists():
        return _folder_fingerprint(folder)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UsageError(f"--model {model}: there is no such folder.")
    try:
        from huggingface_hub import snapshot_download

        path = snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"])
    except Exception as error:  # the hub's client has many; all mean that the encoder is not to be had
        raise UsageError(
            f"--model {model}: it is neither a folder nor to be had from the hub ({type(error).__name__}). "
            "Give a folder with config.json, weights and tokenizer."
        ) from error
    return Path(path).name  # the commit


def _folder_fingerprint(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
    tokenizer = [folder / name for name in ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")]
    for what, there in (
        ("config.json", (folder / "config.json").is_file()),
        ("weights (model.safetensors)", bool(weights)),
        ("tokenizer (tokenizer.json)", any(path.is_file() for path in tokenizer)),
    ):
        if not there:
            raise UsageError(f"--model {folder}: the folder has no {what}; save both model and tokenizer there.")
    digest = hashlib.sha256()
    for path in [folder / "config.json", *weights, *tokenizer]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


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
        "limit": maker.limit,
        "test_limit": maker.test_limit,
        "scheduler": options.scheduler,
        **maker.world,
        "data": {f"{role} {name}": value for (role, name), value in maker.fingerprints.items()},
        "languages": maker.languages,
        "controls": [task.name for task in benchmark.intermediates.values() if task.control],
        "retrieval": [task.name for task in benchmark.targets.values() if task.kind == "retrieval"],
    }
    return dict(json.loads(json.dumps(spec)))


def check_writable(results: Path) -> None:
    """Raise UsageError if the results folder could not be made or written; makes nothing."""
    place = results
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"the results folder {results} cannot be written: {place} is not a writable folder.")
