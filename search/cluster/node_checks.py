"""Before any stage: has every node of a cluster what stages need? One small task on each, all at once."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from search.request.resources import Node
from search.sweep.sweep_file import read_versions
from trainables.record.context import StageContext
from trainables.storage.base import write_text
from trainables.storage.open import open_storage

ANSWER_TIMEOUT = 180.0  # seconds; the first task on a node also unpacks the code there
Value = TypeVar("Value")
WORKER_PACKAGES = ("python", "torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a node has. Places that it cannot read are None."""

    versions: Mapping[str, str]
    marker: str | None  # what the results hold under the marker's name
    data: str | None
    model: str | None
    errors: tuple[str, ...] = ()  # errors on the way


def collect_node_facts(results: str, data: str | None, model: str | None, marker: str, answer: str) -> NodeFacts:
    """On a node: gather the facts, and leave an answer in the results to show that the node can write there."""
    wrong: list[str] = []
    found: str | None = None
    try:
        storage = open_storage(results)
        content = storage.read(marker)
        if content is not None:
            found = content.decode()
            write_text(storage, answer, found)
    except Exception as error:  # any failure of a place is what is looked for
        wrong.append(f"results {results}: {type(error).__name__}: {error}")
    return NodeFacts(
        versions={name: version for name, version in read_versions().items() if name in WORKER_PACKAGES},
        marker=found,
        data=None if data is None else _hash_listing(Path(data), wrong),
        model=None if model is None else _identify_model(model, wrong),
        errors=tuple(wrong),
    )


def _hash_listing(folder: Path, wrong: list[str]) -> str | None:
    """A hash of the names and sizes of a folder's files; of a data folder only Parquet files are ever read."""
    try:
        if not folder.is_dir():
            return None
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        text = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    except OSError as error:
        wrong.append(f"{folder}: {error}")
        return None
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _identify_model(model: str, wrong: list[str]) -> str | None:
    """A folder's listing, or the commit that the node would load of a hub id."""
    if Path(model).is_absolute():
        return _hash_listing(Path(model), wrong)
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(model, allow_patterns=["config.json"])).name
    except Exception as error:  # the hub's client has many; all mean that the encoder is not to be had
        wrong.append(f"encoder {model}: {type(error).__name__}: {error}")
        return None


def find_node_problems(name: str, facts: NodeFacts, here: NodeFacts, place: StageContext, answered: bool) -> list[str]:
    """Why stages on the node would fail, or end otherwise than here; one line each."""
    lines = [f"node {name}: {' '.join(line.split())}" for line in facts.errors]
    shared = facts.marker is not None and facts.marker == here.marker
    if not facts.errors and not shared:
        lines.append(
            f"the results folder {place.results.url} is not shared with node {name}: "
            "give a folder that all nodes see at the same path, or s3://."
        )
    elif shared and not answered:
        lines.append(f"node {name} cannot write into {place.results.url} so that it is seen here.")
    for flag, path, mine, theirs in (
        ("--data", place.source.data, here.data, facts.data),
        ("--model", place.model, here.model, facts.model),
    ):
        if path is None or mine == theirs or (theirs is None and any(str(path) in line for line in facts.errors)):
            continue
        how = "is not there" if theirs is None else "is another one"
        lines.append(f"{flag} {path} {how} on node {name}: every node needs the same one at the same path.")
    lacking = [package for package in WORKER_PACKAGES if facts.versions.get(package) == "not installed"]
    if lacking:
        lines.append(f"node {name} has no {', '.join(lacking)}: install this project's packages there.")
    return lines


def compare_versions(facts: Mapping[str, NodeFacts], here: NodeFacts) -> list[str]:
    """Versions that differ from this process's, and may make scores differ in their last digits; one line each."""
    lines = []
    for package in WORKER_PACKAGES:
        mine = here.versions[package]
        others: dict[str, list[str]] = {}
        for name, found in facts.items():
            theirs = found.versions.get(package, "not installed")
            if theirs not in (mine, "not installed"):
                others.setdefault(theirs, []).append(name)
        for theirs, names in others.items():
            lines.append(
                f"{package} is {mine} here and {theirs} on {', '.join(names)}: equal versions give equal scores."
            )
    return lines


def check_nodes(
    nodes: Mapping[str, Node], place: StageContext, timeout: float = ANSWER_TIMEOUT
) -> tuple[list[str], list[str]]:
    """What is wrong with the nodes, and what is worth knowing; asks all of them at once."""
    marker = f".shared-{uuid.uuid4().hex}"
    answers = {node: f"{marker}-{node[:12]}" for node in nodes}
    write_text(place.results, marker, marker)
    where = (place.results.url, place.source.data, place.model, marker)
    try:
        here = collect_node_facts(*where, f"{marker}-here")
        found, wrong = _run_on_nodes(
            collect_node_facts, {node: (*where, answer) for node, answer in answers.items()}, nodes, timeout
        )
        for node, facts in found.items():
            answered = place.results.has(answers[node])
            wrong += find_node_problems(nodes[node].name, facts, here, place, answered)
    finally:
        for name in (marker, f"{marker}-here", *answers.values()):
            place.results.remove(name)
    return wrong, compare_versions({nodes[node].name: facts for node, facts in found.items()}, here)


def read_gpu_memory() -> int:
    """On a node: bytes of its smallest GPU, whichever of them this process was given."""
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("torch sees no GPU there.")
    return min(torch.cuda.get_device_properties(index).total_memory for index in range(torch.cuda.device_count()))


def find_smallest_gpu_memory(
    nodes: Mapping[str, Node], timeout: float = ANSWER_TIMEOUT
) -> tuple[int | None, list[str]]:
    """Bytes of the smallest GPU of all nodes, None where that is not known, and why a node could not tell."""
    with_gpus = {node: () for node, has in nodes.items() if has.gpus}
    # Its process ends with the task, and gives back what it has of a GPU.
    found, wrong = _run_on_nodes(read_gpu_memory, with_gpus, nodes, timeout, max_calls=1)
    return (None if wrong else min(found.values(), default=None)), wrong


def _run_on_nodes(
    work: Callable[..., Value],
    arguments: Mapping[str, tuple[Any, ...]],
    nodes: Mapping[str, Node],
    patience: float,
    **options: Any,
) -> tuple[dict[str, Value], list[str]]:
    """What `work` gives on each node that there are arguments for, and what went wrong; `options` are Ray's."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0, **options)(work)
    refs: dict[Any, str] = {}
    for node, given in arguments.items():
        there = task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        refs[there.remote(*given)] = node
    done, late = ray.wait(list(refs), num_returns=len(refs), timeout=patience) if refs else ([], [])
    found: dict[str, Value] = {}
    wrong = [f"node {nodes[refs[ref]].name} did not answer within {patience:g} seconds." for ref in late]
    for ref in done:
        try:
            found[refs[ref]] = ray.get(ref)
        except ray.exceptions.RayError as error:
            wrong.append(f"node {nodes[refs[ref]].name} cannot run stages: {_find_last_line(str(error).splitlines())}")
    for ref in late:
        ray.cancel(ref, force=True)
    return found, wrong


def _find_last_line(lines: Iterable[str]) -> str:
    """The last line that says something: Ray puts the cause at the end."""
    return ([" ".join(line.split()) for line in lines if line.strip()] or ["no reason given"])[-1]
