"""The checks of nodes and GPUs when a sweep starts: what would fail later is refused before anything is trained."""

from typing import TYPE_CHECKING

from rich.console import Console

from search.cluster.cluster import list_alive_nodes, list_node_types
from search.cluster.node_checks import check_nodes
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.request.resources import count_cluster_slots, smallest_request_of
from spaces.errors import UsageError
from trainables.record.node_facts import NodeFacts

if TYPE_CHECKING:
    from search.cluster.gpu_checks import GpuReport


def check_cluster(options: RunOptions, request: SweepRequest, own_facts: NodeFacts, console: Console) -> int:
    """Return the number of trials at once on the cluster; raises UsageError if it cannot run the sweep.

    `own_facts` are those of this node, which every node must share.
    """
    nodes = list_alive_nodes()
    slots = count_cluster_slots(options, nodes.values(), list_node_types())
    errors, notes = check_nodes(nodes, request.context, own_facts)
    if errors:
        raise UsageError("\n".join(errors))
    for note in notes:
        console.print(f"note: {note}", soft_wrap=True)
    return slots


def check_all_gpus(options: RunOptions, request: SweepRequest, console: Console) -> "GpuReport | None":
    """Print and return the GPUs of all nodes; None if trials take none. Raises UsageError for one that cannot train."""
    nodes = list_alive_nodes()
    if not options.gpus_per_trial:
        idle = int(sum(node.gpus for node in nodes.values()))
        if idle and options.benchmark != "miniature":
            console.print(f"note: GPUs here: {idle}, and no trial uses one. Give --gpus-per-trial 1.", soft_wrap=True)
        return None
    from search.cluster.gpu_checks import check_gpus  # it imports torch

    is_shared = smallest_request_of(options).gpus < 1
    report = check_gpus(nodes, request.maker.precision, is_shared=is_shared)
    if report.problems:
        raise UsageError("\n".join(report.problems))
    for line in report.describe():
        console.print(line, soft_wrap=True)
    return report
