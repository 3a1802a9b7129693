"""Ready encoders on the axis of intermediate tasks: where each of them lies, and whether it goes with the sweep.

In a chain a folder is called by its own name (`folder:xlmr-mnli`), and its contents are part of the keys of stages. The
path, which may change, is not.
"""

import dataclasses
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from search.request.start_encoder import find_use, inspect_model
from spaces.benchmark import Benchmark
from spaces.chain import FOLDER, HUB, rename_phases
from spaces.errors import UsageError
from spaces.phase import list_phases
from spaces.space import Axes, Space
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from trainables.data.task_data import DataSource

UNKNOWN = "unknown"  # fingerprint, in a plan, of weights that would have to be downloaded


@dataclass(frozen=True, slots=True)
class ReadyEncoders:
    """The place and the fingerprint of the contents of each ready encoder, by its name, and notes for users."""

    places: Mapping[str, str]
    fingerprints: Mapping[str, str]
    notes: tuple[str, ...]


def place_ready_encoders(space: Space) -> tuple[Space, dict[str, str]]:
    """Return the space with its folders called by their own names, and the place of each ready encoder by its name.

    A place is an absolute folder or a hub id, with `@commit` if one is given. Raises UsageError for a folder that does
    not exist, and for two of one name.
    """
    places: dict[str, str] = {}
    names = tuple(
        rename_phases(chain, lambda phase: _place_phase(phase, places)) for chain in space.intermediates or ()
    )
    return (dataclasses.replace(space, intermediates=names) if places else space), places


def _place_phase(phase: str, places: dict[str, str]) -> str:
    if phase.startswith(HUB):
        places[phase] = phase.removeprefix(HUB)
        return phase
    if not phase.startswith(FOLDER):
        return phase
    path = Path(phase.removeprefix(FOLDER)).expanduser()
    if not path.is_dir():
        raise UsageError(f"{phase}: there is no such folder. Give one with an encoder and its tokenizer.")
    name, place = FOLDER + path.resolve().name, str(path.resolve())
    if places.setdefault(name, place) != place:
        raise UsageError(f"{phase}: {places[name]} has the same name. Ready encoders need names of their own.")
    return name


def inspect_ready_encoders(
    places: Mapping[str, str], axes: Axes, benchmark: Benchmark, source: DataSource, start: str | None
) -> ReadyEncoders:
    """Return what must be known of the ready encoders that the axes name.

    `start` is the encoder at the start of every chain, None for the miniature's own. Raises UsageError for an encoder
    that is not what it claims, or is not of the start encoder's form.
    """
    used = {name: places[name] for name in list_phases(axes.intermediates) if name in places}
    use, fingerprints = find_use(benchmark.targets[name] for name in axes.targets), {}
    for name, place in used.items():
        if name.startswith(HUB) and source.hub is None:
            raise UsageError(f"{name}: the miniature reads nothing from the hub. Give folder:DIR.")
        fingerprint, _ = inspect_model(place, use, source.hub, called=name)
        with _open_start(start, source) as own, _open_files(place, source) as folder:
            _check_likeness(name, own, folder)
        fingerprints[name] = fingerprint or UNKNOWN
    notes = describe_test_data(used, source, benchmark, axes.targets) if used else []
    return ReadyEncoders(used, fingerprints, tuple(notes))


def _check_likeness(name: str, start: Path, ready: Path) -> None:
    from trainables.models.encoder_likeness import find_unlikeness

    if (unlikeness := find_unlikeness(start, ready)) is not None:
        raise UsageError(
            f"{name}: {unlikeness}. A ready encoder takes the place of a phase, so it must have begun as the start "
            "encoder; give another one, or this one's own start with --model."
        )


@contextmanager
def _open_start(start: str | None, source: DataSource) -> Iterator[Path]:
    """Yield a folder with configuration and tokenizer of the encoder at the start of every chain."""
    if start is not None:
        with _open_files(start, source) as folder:
            yield folder
        return
    from trainables.miniature.world import build_tokenizer, build_world
    from trainables.training.miniature_encoder import build_config

    with tempfile.TemporaryDirectory(prefix="encoder-") as text:
        tokenizer = build_tokenizer(build_world(source.world_seed, source.null_world))
        tokenizer.save_pretrained(text)
        build_config(tokenizer).save_pretrained(text)
        yield Path(text)


@contextmanager
def _open_files(place: str, source: DataSource) -> Iterator[Path]:
    """Yield the folder of an encoder's files; of the hub, in a plan or a check, with the headers of its weights."""
    if Path(place).is_dir():
        yield Path(place)
        return
    from trainables.repositories.encoder_files import fetch_encoder, look_at_encoder

    assert source.hub is not None
    if source.hub.downloads:
        yield fetch_encoder(source.hub, place).folder
        return
    with look_at_encoder(source.hub, place) as look:
        yield look.folder


def describe_test_data(
    places: Mapping[str, str], source: DataSource, benchmark: Benchmark, targets: Collection[str]
) -> list[str]:
    """Return a note for each ready encoder whose card names a dataset that a target takes its test rows from."""
    from trainables.models.encoder_likeness import list_card_datasets

    notes = []
    for name, place in places.items():
        card = _find_card(place, source)
        try:
            named = () if card is None else list_card_datasets(card)
        except ValueError as error:
            notes.append(f"{name}: {error}. What it was trained on is unknown.")
            continue
        for target in () if benchmark.name == "miniature" else targets:
            used = {dataset for dataset in named if _short_name(dataset) in _list_test_datasets(target)}
            if used:
                notes.append(
                    f"{name}: its card names {', '.join(sorted(used))}, from which {target} takes its test rows. Its "
                    f"scores on {target} may not be zero-shot."
                )
    return notes


def _find_card(place: str, source: DataSource) -> Path | None:
    from trainables.data.dataset_card import find_card

    if Path(place).is_dir() or source.hub is None:
        return find_card(Path(place), None)
    repo_id, _, commit = place.partition("@")
    snapshot = source.hub.find("model", repo_id, commit or "main")
    return None if snapshot is None else find_card(Path(), snapshot)


def _list_test_datasets(target: str) -> set[str]:
    """Return the names, without their owners, of the repositories and datasets that a target's test rows come from."""
    names = set()
    for part in TASK_SPLITS[target].test if target in TASK_SPLITS else ():
        spec = DATASETS[part.dataset]
        names |= {_short_name(spec.name), *map(_short_name, (spec.repo_id, *spec.fallbacks))}
    return names


def _short_name(dataset: str) -> str:
    return dataset.rpartition("/")[2].lower().replace("-", "").replace("_", "")
