"""The rows of a place, as `datasets` holds them: all of them, or the first one, in one language."""

import functools
from dataclasses import replace
from typing import Any

import datasets
import pyarrow.parquet

from spaces.errors import UsageError
from spaces.xtreme_data import DATASETS
from trainables.shelf import Place, code_in, first_line, resolve, schema, stamp

HELD_OUT_MOST = 2_000  # rows that are held out of a training set without a dev split, if a tenth of it is more


def row_count(place: Place) -> int:
    """Rows of a place in a folder, all languages together."""
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in place.files)


def features(place: Place) -> datasets.Features:
    """The columns of a place and their types; the names of class labels are from the files or else from the card."""
    if place.folder is None:
        return _builder(place).info.features or datasets.Features()
    own = datasets.Features.from_arrow_schema(schema(place))
    card = (_builder(place).info.features or {}) if _bare(place, own) and _on_card(place) else {}
    return datasets.Features({name: card[name] if _named(card.get(name)) else own[name] for name in own})


def _bare(place: Place, own: datasets.Features) -> bool:
    """Whether labels that should have names are integers without any."""
    columns = DATASETS[place.dataset].columns
    labels = [own[columns[role]] for role in ("label", "tags") if columns.get(role) in own]
    return any("int" in str(getattr(getattr(one, "feature", one), "dtype", "")) and not _named(one) for one in labels)


def _on_card(place: Place) -> bool:
    """Whether the folder has a card that tells of the config."""
    if place.folder is None or not (place.folder / "README.md").is_file():
        return False
    return place.config in datasets.get_dataset_config_names(str(place.folder))


def _named(feature: Any) -> bool:
    return isinstance(getattr(feature, "feature", feature), datasets.ClassLabel)


def _builder(place: Place) -> datasets.DatasetBuilder:
    """What `datasets` knows of a config before it reads rows; raises UsageError if it cannot be reached."""
    path = place.hub if place.folder is None else str(place.folder)
    try:
        return datasets.load_dataset_builder(path, place.config, revision=_commit(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {place}: {first_line(error)}") from error


def _commit(place: Place) -> str | None:
    return None if place.folder is not None else resolve(place.hub, place.revision)


def load(place: Place, language: str) -> datasets.Dataset:
    """The rows of a place in one language, as `datasets` reads them; raises UsageError if it cannot."""
    dataset = DATASETS[place.dataset]
    rows = _load(replace(place, share="all"), stamp(place.files))
    if dataset.language_in in ("column", "id"):
        column = "id" if dataset.language_in == "id" else dataset.columns["language"]
        code = dataset.code(language)
        values = rows[column][:]
        rows = rows.select([i for i, value in enumerate(values) if code_in(dataset, value) == code])
    held_out = min(len(rows) // 10, HELD_OUT_MOST)
    if place.share == "head":
        return rows.select(range(len(rows) - held_out))
    if place.share == "tail":
        return rows.select(range(len(rows) - held_out, len(rows)))
    return rows


def head(place: Place, language: str) -> tuple[int | None, datasets.Dataset]:
    """The number of rows (None where the hub does not say) and the first of them; the hub's are not downloaded."""
    if place.folder is not None:
        rows = load(place, language)
        return len(rows), rows.select(range(min(1, len(rows))))
    try:
        stream = datasets.load_dataset(
            place.hub, place.config, split=place.split, revision=_commit(place), streaming=True
        )
        first = datasets.Dataset.from_list(list(stream.take(1)), features=features(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot read {place}: {first_line(error)}") from error
    split = (_builder(place).info.splits or {}).get(place.split)
    return None if split is None else split.num_examples, first


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load(place: Place, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    datasets.disable_progress_bars()
    try:
        if place.folder is None:
            return datasets.load_dataset(place.hub, place.config, split=place.split, revision=_commit(place))
        # Straight from the files: `load_dataset` would copy them into its cache and take a second for each config.
        tables = [pyarrow.parquet.read_table(file) for file in place.files]
        rows = datasets.concatenate_datasets([datasets.Dataset(table) for table in tables])
    except (ValueError, OSError, RuntimeError, datasets.exceptions.DatasetGenerationError) as error:
        raise UsageError(f"cannot read {place}: {first_line(error)}") from error
    wanted = features(place)
    return rows if rows.features == wanted else rows.cast(wanted)
