"""Checks before any stage that every node of a cluster has what stages need: one small task on each, all at once."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import getpid

from search.cluster.run_on_nodes import ANSWER_TIMEOUT, run_on_nodes
from search.request.resources import Node
from spaces.versions import NOT_INSTALLED
from trainables.record.context import StageContext
from trainables.record.node_facts import NodeFacts, collect_node_facts, facts_to_json, find_node_problems, places_of
from trainables.storage.base import write_text


@contextmanager
def leave_marker(context: StageContext) -> Iterator[NodeFacts]:
    """Yield the facts of this node. Within the context a file in the results tells other nodes that these are ours."""
    marker = f".shared-{uuid.uuid4().hex}.{getpid()}"  # a temporary name: after a kill the next start removes it
    write_text(context.results, marker, "")
    answer = f"{marker}-here.{getpid()}"
    try:
        facts = collect_node_facts(places_of(context), marker, answer)
        context.results.remove(answer)
        write_text(context.results, marker, facts_to_json(facts))
        yield facts
    finally:
        context.results.remove(marker)


def compare_versions(facts: Mapping[str, NodeFacts], own_facts: NodeFacts) -> list[str]:
    """Return one line for each version that differs from this process's, as scores may differ in their last digits."""
    lines = []
    for package, own in own_facts.versions.items():
        names_by_version: dict[str, list[str]] = {}
        for name, node_facts in facts.items():
            version = node_facts.versions.get(package, NOT_INSTALLED)
            if version not in (own, NOT_INSTALLED):
                names_by_version.setdefault(version, []).append(name)
        for version, names in names_by_version.items():
            lines.append(
                f"{package} is {own} here and {version} on {', '.join(names)}. Only equal versions give equal scores."
            )
    return lines


def check_nodes(nodes: Mapping[str, Node], context: StageContext, own_facts: NodeFacts) -> tuple[list[str], list[str]]:
    """Check all nodes at once against the facts of this one; return their problems, and notes, one line each."""
    assert own_facts.marker is not None
    places, answers = places_of(context), {node: f"{own_facts.marker}-{node[:12]}.{getpid()}" for node in nodes}
    try:
        calls = [(node, (places, own_facts.marker, answer)) for node, answer in answers.items()]
        found, problems, late = run_on_nodes(collect_node_facts, calls, nodes)
        problems += [f"node {name} did not answer within {ANSWER_TIMEOUT:g} seconds." for name in late]
        for node, facts in found:
            has_answered = context.results.has(answers[node])
            problems += find_node_problems(nodes[node].name, facts, own_facts, places, has_answered=has_answered)
    finally:
        for name in answers.values():
            context.results.remove(name)
    return problems, compare_versions({nodes[node].name: facts for node, facts in found}, own_facts)
