"""Checks before any stage that every node of a cluster has what stages need: one small task on each, all at once."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search.cluster.run_on_nodes import ANSWER_TIMEOUT, run_on_nodes
from search.request.resources import Node
from search.sweep.sweep_file import read_versions
from trainables.record.context import StageContext
from trainables.storage.base import write_text
from trainables.storage.open import open_storage

WORKER_PACKAGES = ("python", "torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """The versions and files of a node. What it cannot read is None."""

    versions: Mapping[str, str]
    marker: str | None  # contents of the marker file in the results
    data: str | None
    model: str | None
    errors: tuple[str, ...] = ()  # while they were collected


def collect_node_facts(
    results: str, data: str | None, model: str | None, hub_record: str | None, marker: str, answer: str
) -> NodeFacts:
    """Collect the facts of the node that this runs on, and write the file `answer` to show that it can write.

    With `hub_record`, the node fetches the configuration of a hub id at the commit that the sweep recorded.
    """
    errors: list[str] = []
    text: str | None = None
    try:
        storage = open_storage(results)
        content = storage.read(marker)
        if content is not None:
            text = content.decode()
            write_text(storage, answer, text)
    except Exception as error:  # any error means that the node cannot use the results
        errors.append(f"results {results}: {type(error).__name__}: {error}")
    return NodeFacts(
        versions={name: version for name, version in read_versions().items() if name in WORKER_PACKAGES},
        marker=text,
        data=None if data is None else _hash_listing(Path(data), errors),
        model=None if model is None else _identify_model(model, results, hub_record, errors),
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


def _identify_model(model: str, results: str, hub_record: str | None, errors: list[str]) -> str | None:
    """Return a hash of a folder's listing, or the commit of a hub id's configuration as the node has it."""
    if hub_record is None or Path(model).is_absolute():
        return _hash_listing(Path(model), errors)
    from trainables.repositories.encoder_files import fetch_config
    from trainables.repositories.record import read_hub

    try:
        return fetch_config(read_hub(open_storage(results), hub_record), model).parent.name
    except (OSError, ValueError) as error:
        errors.append(f"encoder {model}: {error}")
        return None


def find_node_problems(
    name: str, facts: NodeFacts, own_facts: NodeFacts, context: StageContext, *, has_answered: bool
) -> list[str]:
    """Return the reasons why stages on the node would fail or differ. `has_answered`: its file is seen here."""
    url = context.results.url
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
        ("--data", context.source.data, own_facts.data, facts.data),
        ("--model", context.model, own_facts.model, facts.model),
    ):
        if path is None or own == other or (other is None and any(str(path) in line for line in facts.errors)):
            continue
        difference = "is missing" if other is None else "has other contents"
        lines.append(f"{flag} {path} {difference} on node {name}. Every node needs the same one at the same path.")
    missing = [package for package in WORKER_PACKAGES if facts.versions.get(package) == "not installed"]
    if missing:
        lines.append(f"node {name} has no {', '.join(missing)}. Install this project's packages there.")
    return lines


def compare_versions(facts: Mapping[str, NodeFacts], own_facts: NodeFacts) -> list[str]:
    """Return one line for each version that differs from this process's, as scores may differ in their last digits."""
    lines = []
    for package in WORKER_PACKAGES:
        own = own_facts.versions[package]
        names_by_version: dict[str, list[str]] = {}
        for name, node_facts in facts.items():
            version = node_facts.versions.get(package, "not installed")
            if version not in (own, "not installed"):
                names_by_version.setdefault(version, []).append(name)
        for version, names in names_by_version.items():
            lines.append(
                f"{package} is {own} here and {version} on {', '.join(names)}. Only equal versions give equal scores."
            )
    return lines


def check_nodes(nodes: Mapping[str, Node], context: StageContext) -> tuple[list[str], list[str]]:
    """Check all nodes at once; return their problems, and notes, one line each."""
    marker = f".shared-{uuid.uuid4().hex}"
    answers = {node: f"{marker}-{node[:12]}" for node in nodes}
    write_text(context.results, marker, marker)
    paths = (context.results.url, context.source.data, context.model, context.hub_record, marker)
    try:
        own_facts = collect_node_facts(*paths, f"{marker}-here")
        calls = [(node, (*paths, answer)) for node, answer in answers.items()]
        found, problems, late = run_on_nodes(collect_node_facts, calls, nodes)
        problems += [f"node {name} did not answer within {ANSWER_TIMEOUT:g} seconds." for name in late]
        for node, facts in found:
            has_answered = context.results.has(answers[node])
            problems += find_node_problems(nodes[node].name, facts, own_facts, context, has_answered=has_answered)
    finally:
        for name in (marker, f"{marker}-here", *answers.values()):
            context.results.remove(name)
    return problems, compare_versions({nodes[node].name: facts for node, facts in found}, own_facts)
