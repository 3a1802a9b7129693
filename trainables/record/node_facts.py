"""What a node of a cluster has of all that stages need: the shared results, data, encoder and packages.

The command collects its own facts, and so does each node; stages run where they agree.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from spaces.versions import NOT_INSTALLED, read_worker_versions
from trainables.record.context import StageContext
from trainables.storage.base import write_text
from trainables.storage.open import open_storage

Value = TypeVar("Value")


class UnfitNodeError(Exception):
    """The reasons why stages on this machine would fail or differ, on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where stages read and write: the address of the results, the data folder, encoders, the hub's commits.

    `packages` are those that methods need beside the packages of every sweep.
    """

    results: str
    data: str | None
    models: tuple[str, ...]  # the encoder at the start, and ready encoders
    hub_record: str | None
    packages: tuple[str, ...] = ()


def places_of(context: StageContext) -> Places:
    """Return the places of a context."""
    own = () if context.model is None else (context.model,)
    return Places(
        results=context.results.url,
        data=context.source.data,
        models=(*own, *context.ready_encoders.values()),
        hub_record=context.hub_record,
        packages=context.packages,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """The versions and files of a node. What it does not have, or cannot read, is None."""

    versions: Mapping[str, str]
    marker: str | None  # name of the file in the results that tells nodes that these are the same
    data: Mapping[str, int] | None  # sizes of the files in bytes
    models: Mapping[str, Mapping[str, int] | str | None]  # by place: the same of a folder, or the commit of a hub id
    errors: tuple[str, ...] = ()  # while they were collected


def facts_to_json(facts: NodeFacts) -> str:
    """Return facts as text: the contents of the marker file."""
    return json.dumps(asdict(facts))


def facts_from_json(text: str) -> NodeFacts:
    """Return the facts of a text by `facts_to_json`."""
    return NodeFacts(**json.loads(text))


def collect_node_facts(places: Places, marker: str, answer: str) -> NodeFacts:
    """Collect the facts of the node that this runs on, and write the file `answer` to show that it can write.

    With a record of the hub, the node fetches the configuration of a hub id at the commit that the sweep recorded.
    Errors are facts, too.
    """
    errors: list[str] = []

    def collect(what: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except Exception as error:  # any error means that the node cannot use it
            errors.append(f"{what}: {type(error).__name__}: {error}")
            return None

    found = collect(f"results {places.results}", partial(find_marker, places, marker, answer))
    data = collect(f"data {places.data}", partial(list_data, places))
    models: dict[str, Mapping[str, int] | str | None] = dict.fromkeys(places.models)
    if found is not None or places.hub_record is None:  # else the record cannot be read, for that reason
        models = {each: collect(f"encoder {each}", partial(identify_model, each, places)) for each in models}
    versions = read_worker_versions(places.packages)
    return NodeFacts(versions=versions, marker=found, data=data, models=models, errors=tuple(errors))


def find_marker(places: Places, marker: str, answer: str) -> str | None:
    """Return the marker's name if the results have it, and write the file `answer`; None if they do not."""
    storage = open_storage(places.results)
    if not storage.has(marker):
        return None
    write_text(storage, answer, marker)
    return marker


def list_data(places: Places) -> Mapping[str, int] | None:
    """Return the sizes of the data's files by name; None where there is no such folder."""
    return None if places.data is None else _list_sizes(Path(places.data), places.results)


def identify_model(model: str, places: Places) -> Mapping[str, int] | str | None:
    """Return the sizes of an encoder's files, or the commit of a hub id's configuration as the node has it."""
    if places.hub_record is None or Path(model).is_absolute():
        return _list_sizes(Path(model), places.results)
    from trainables.repositories.encoder_files import fetch_config
    from trainables.repositories.record import read_hub

    return fetch_config(read_hub(open_storage(places.results), places.hub_record), model).parent.name


def _list_sizes(folder: Path, results: str) -> dict[str, int] | None:
    """Return the sizes of a folder's files by name, without hidden ones and without the results in it."""
    if not folder.is_dir():
        return None
    sizes, inside = {}, Path(results) if Path(results).is_relative_to(folder) else None
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        if not is_hidden and not (inside and path.is_relative_to(inside)) and path.is_file():
            sizes[str(name)] = path.stat().st_size
    return sizes


def find_node_problems(
    name: str, facts: NodeFacts, own_facts: NodeFacts, places: Places, *, has_answered: bool
) -> list[str]:
    """Return the reasons why stages on the node would fail or differ. `has_answered`: its file is seen here.

    It may have more files than this node had when its facts were collected, but none of another size.
    """
    url = places.results
    lines = [f"node {name}: {' '.join(line.split())}" for line in facts.errors]
    if facts.marker is None and not any(line.startswith("results ") for line in facts.errors):
        lines.append(
            f"the results folder {url} is not shared with node {name}. "
            "Give a folder that all nodes see at the same path, or s3://."
        )
    elif facts.marker is not None and not has_answered:
        lines.append(f"node {name} cannot write into the results folder {url} so that this node sees it.")
    encoders = [("encoder", place, own_facts.models.get(place), facts.models.get(place)) for place in places.models]
    for flag, path, own, other in [("--data", places.data, own_facts.data, facts.data), *encoders]:
        is_told = other is None and (facts.marker is None or any(str(path) in line for line in facts.errors))
        difference = None if path is None or is_told else _describe_difference(own, other)
        if difference is not None:
            lines.append(f"{flag} {path} {difference} on node {name}. Every node needs the same files.")
    missing = [package for package, version in facts.versions.items() if version == NOT_INSTALLED]
    if missing:
        lines.append(f"node {name} has no {', '.join(missing)}. Install this project's packages there.")
    return lines


def _describe_difference(own: Mapping[str, int] | str | None, other: Mapping[str, int] | str | None) -> str | None:
    """Return what another node lacks of what this one has; None if nothing."""
    if own == other:
        return None
    if other is None:
        return "is missing"
    if isinstance(own, str) or isinstance(other, str):
        return f"is at commit {other} instead of {own}"
    unlike = [name for name, size in (own or {}).items() if other.get(name) != size]
    return f"has other contents ({len(unlike)} files, such as {unlike[0]})" if unlike else None
