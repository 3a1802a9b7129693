"""Small tasks on chosen nodes of a cluster, all at once; a node that does not answer is told, and not waited for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from search.request.resources import Node

ANSWER_TIMEOUT = 180.0  # seconds; the first task on a node also unpacks the code there
Value = TypeVar("Value")


def run_on_nodes(
    function: Callable[..., Value],
    calls: Sequence[tuple[str, tuple[Any, ...]]],
    nodes: Mapping[str, Node],
    **options: Any,
) -> tuple[list[tuple[str, Value]], list[str], list[str]]:
    """Run a function for each call, which is a node's id and arguments. `options` are those of a Ray task.

    Return the results with their nodes, the problems of nodes where the function failed, one line each, and the names
    of nodes that did not answer within ANSWER_TIMEOUT.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(**{"num_cpus": 0, "max_retries": 0, **options})(function)
    node_of: dict[Any, str] = {}
    for node, values in calls:
        pinned = task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        node_of[pinned.remote(*values)] = node
    done, late = ray.wait(list(node_of), num_returns=len(node_of), timeout=ANSWER_TIMEOUT) if node_of else ([], [])
    results: list[tuple[str, Value]] = []
    problems = []
    for ref in done:
        try:
            results.append((node_of[ref], ray.get(ref)))
        except ray.exceptions.RayError as error:  # it puts the cause into its last line
            cause = next((line for line in reversed(str(error).splitlines()) if line.strip()), "no reason given")
            problems.append(f"node {nodes[node_of[ref]].name} cannot run stages: {' '.join(cause.split())}")
    for ref in late:
        ray.cancel(ref, force=True)
    return results, problems, [nodes[node_of[ref]].name for ref in late]
