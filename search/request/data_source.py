"""Where a sweep reads its examples: the miniature, a folder, or the hub at the commits that the sweep recorded."""

import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from search.request.ceiling_rows import iter_wanted_splits
from search.request.needs import list_needs
from search.request.options import RunOptions
from spaces.benchmark import Benchmark
from spaces.encoders import DEFAULT_ENCODER
from spaces.errors import UsageError
from spaces.space import Axes
from trainables.data import locate
from trainables.data.task_data import DataSource
from trainables.repositories.download import fetch_ahead
from trainables.repositories.hub import Hub
from trainables.repositories.record import read_commits, read_snapshots
from trainables.repositories.snapshot import Snapshot
from trainables.storage.base import Storage


def make_source(options: RunOptions, results: Storage, name: str, *, other_models: Collection[str] = ()) -> DataSource:
    """Return where examples come from. Raise UsageError for flags that do not go with the benchmark.

    `other_models` are the places of encoders that are read beside the one at the start.
    """
    is_miniature = options.benchmark == "miniature"
    if is_miniature and options.model is not None:
        raise UsageError(f"--model {options.model}: the miniature has its own encoder; --model goes with xtreme.")
    if is_miniature and options.data is not None:
        raise UsageError(f"--data {options.data}: the miniature makes its own data; --data goes with xtreme.")
    if not is_miniature and (options.world_seed or options.null_world):
        raise UsageError("--world-seed and --null-world go with the miniature only.")
    models = (options.model or DEFAULT_ENCODER, *other_models)
    needs_hub = not is_miniature and (options.data is None or not all(Path(model).exists() for model in models))
    if options.new_commits and not needs_hub:
        raise UsageError("--new-commits: this sweep reads nothing from the hub. Leave the flag out.")
    return DataSource(
        benchmark=options.benchmark,
        world_seed=options.world_seed,
        null_world=options.null_world,
        data=None if options.data is None else str(_resolve_data_folder(options.data)),
        hub=_open_hub(options, results, name) if needs_hub else None,
    )


def _resolve_data_folder(text: str) -> Path:
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"--data {text}: this link leads nowhere ({error}).") from error
    if not path.is_dir():
        raise UsageError(f"--data {text}: there is no such folder.")
    return path


def _open_hub(options: RunOptions, results: Storage, name: str) -> Hub:
    """Return the hub at the commits that the sweep recorded; at the newest for a new sweep or with `--new-commits`."""
    if options.new_commits:
        return Hub(downloads=not options.is_dry_run)
    snapshots, fault = read_snapshots(results, name)
    hub = Hub(snapshots, commits=read_commits(results, name), downloads=not options.is_dry_run)
    hub.notes += [] if fault is None else [fault]
    return hub


def commits_of(hub: Hub) -> dict[str, str | None]:
    """Return the commits for `sweep.json`, by kind, id and branch of the repository."""
    return {" ".join(snapshot.key): snapshot.commit for snapshot in hub.snapshots}


def fetch_all(source: DataSource, axes: Axes, benchmark: Benchmark, model: str, *, target_dev: bool) -> None:
    """List all repositories, and fetch the files that the sweep reads, side by side, with a bar on a terminal.

    Errors are left to the checks of the data, which name the tasks, and of the encoder.
    """
    hub = source.hub
    if hub is None:
        return
    if not Path(model).exists():
        with suppress(UsageError):
            hub.find("model", model)
    if source.data is not None:
        return
    # FORCE_COLOR, which notebooks set, makes no terminal of a pipe.
    console = Console(stderr=True, force_terminal=sys.stderr.isatty(), highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("listing the hub's repositories", total=None)
        wanted = list(dict.fromkeys(_iter_files(hub, axes, benchmark, target_dev)))
        progress.update(bar, description="reading from the hub", total=len(wanted))
        if not console.is_terminal and wanted:
            console.print(f"Reading {len(wanted)} files from the hub.")
        fetch_ahead(wanted, lambda: progress.advance(bar))


def _iter_files(hub: Hub, axes: Axes, benchmark: Benchmark, target_dev: bool) -> Iterator[tuple[Snapshot, str]]:
    """Yield the files that the listings name for the sweep's tasks."""
    for need in list_needs(axes, benchmark):
        for split in (*locate.TRAINING_SPLITS, "test", "pool"):
            for language in locate.list_split_languages(need.task, split, need.language):
                for part in locate.parts_of(need.task, split, language):
                    with suppress(UsageError):  # raised again by the check of the data
                        yield from locate.list_part_files(part, language, hub)
    for task, language, splits in iter_wanted_splits(axes, benchmark, target_dev=target_dev):
        for wanted in splits:
            with suppress(UsageError):
                parts = locate.parts_of(task, wanted, language)
                files = [file for part in parts for file in locate.list_part_files(part, language, hub)]
                yield from files
                if files:
                    break
