"""What a node of a cluster has of all that stages need: the shared results, data, encoder and packages.

The command collects its own facts, and so does each node; stages run where they agree.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spaces.versions import NOT_INSTALLED, WORKER_PACKAGES, read_worker_versions
from trainables.record.context import StageContext
from trainables.storage.base import write_text
from trainables.storage.open import open_storage


class UnfitNodeError(Exception):
    """The reasons why stages on this machine would fail or differ, on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where stages read and write: the address of the results, the data folder, the encoder, the hub's commits."""

    results: str
    data: str | None
    model: str | None
    hub_record: str | None


def places_of(context: StageContext) -> Places:
    """Return the places of a context."""
    results, data = context.results.url, context.source.data
    return Places(results=results, data=data, model=context.model, hub_record=context.hub_record)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """The versions and files of a node. What it cannot read is None."""

    versions: Mapping[str, str]
    marker: str | None  # contents of the marker file in the results
    data: str | None
    model: str | None
    errors: tuple[str, ...] = ()  # while they were collected


def collect_node_facts(places: Places, marker: str, answer: str) -> NodeFacts:
    """Collect the facts of the node that this runs on, and write the file `answer` to show that it can write.

    With a record of the hub, the node fetches the configuration of a hub id at the commit that the sweep recorded.
    """
    errors: list[str] = []
    text: str | None = None
    try:
        storage = open_storage(places.results)
        content = storage.read(marker)
        if content is not None:
            text = content.decode()
            write_text(storage, answer, text)
    except Exception as error:  # any error means that the node cannot use the results
        errors.append(f"results {places.results}: {type(error).__name__}: {error}")
    return NodeFacts(
        versions=read_worker_versions(),
        marker=text,
        data=None if places.data is None else _hash_listing(Path(places.data), errors),
        model=None if places.model is None else _identify_model(places.model, places, errors),
        errors=tuple(errors),
    )


def _hash_listing(folder: Path, errors: list[str]) -> str | None:
    """Return a hash of the names and sizes of a folder's files, None where there is no such folder."""
    try:
        if not folder.is_dir():
            return None
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        text = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    except OSError as error:
        errors.append(f"{folder}: {error}")
        return None
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _identify_model(model: str, places: Places, errors: list[str]) -> str | None:
    """Return a hash of a folder's listing, or the commit of a hub id's configuration as the node has it."""
    if places.hub_record is None or Path(model).is_absolute():
        return _hash_listing(Path(model), errors)
    from trainables.repositories.encoder_files import fetch_config
    from trainables.repositories.record import read_hub

    try:
        return fetch_config(read_hub(open_storage(places.results), places.hub_record), model).parent.name
    except (OSError, ValueError) as error:
        errors.append(f"encoder {model}: {error}")
        return None


def find_node_problems(
    name: str, facts: NodeFacts, own_facts: NodeFacts, places: Places, *, has_answered: bool
) -> list[str]:
    """Return the reasons why stages on the node would fail or differ. `has_answered`: its file is seen here."""
    url = places.results
    lines = [f"node {name}: {' '.join(line.split())}" for line in facts.errors]
    is_shared = facts.marker is not None and facts.marker == own_facts.marker
    if not facts.errors and not is_shared:
        lines.append(
            f"the results folder {url} is not shared with node {name}. "
            "Give a folder that all nodes see at the same path, or s3://."
        )
    elif is_shared and not has_answered:
        lines.append(f"node {name} cannot write into the results folder {url} so that this node sees it.")
    for flag, path, own, other in (
        ("--data", places.data, own_facts.data, facts.data),
        ("--model", places.model, own_facts.model, facts.model),
    ):
        if path is None or own == other or (other is None and any(str(path) in line for line in facts.errors)):
            continue
        difference = "is missing" if other is None else "has other contents"
        lines.append(f"{flag} {path} {difference} on node {name}. Every node needs the same one at the same path.")
    missing = [package for package in WORKER_PACKAGES if facts.versions.get(package) == NOT_INSTALLED]
    if missing:
        lines.append(f"node {name} has no {', '.join(missing)}. Install this project's packages there.")
    return lines
