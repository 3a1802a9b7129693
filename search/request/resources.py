"""The number of trials that fit on this machine or on a cluster, computed before anything is trained."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from search.request.flag_values import AUTO, MAX_TRIALS_PER_GPU
from search.request.options import RunOptions
from spaces.errors import UsageError

ROUNDING = 1e-9  # 1 / 0.1 must be ten


@dataclass(frozen=True, slots=True)
class Node:
    """A machine, as Ray sees it."""

    name: str
    cpus: float
    gpus: float
    memory: float = 0.0  # bytes; 0 if unknown
    is_leaving: bool = False  # it will be taken away soon, such as a spot machine after its notice


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """The resources of one trial. `gpus` is a share of one GPU, at most 1; `memory` is the host's, in bytes."""

    cpus: int
    gpus: float
    memory: int = 0

    def __str__(self) -> str:
        memory = f" with {self.memory / 1e9:.1f} GB of memory" if self.memory else ""
        return f"{self.cpus} CPU{'s' * (self.cpus != 1)} and {self.gpus:g} GPU{'s' * (self.gpus != 1)}{memory}"


def resource_request_of(options: RunOptions) -> ResourceRequest:
    """Return the largest resources that a trial may need. Raise UsageError for a share that none can use."""
    gpus = 1.0 if options.gpus_per_trial == AUTO else float(options.gpus_per_trial)
    if gpus > 1:
        raise UsageError(f"--gpus-per-trial {gpus:g}: a trial trains on one GPU. Give 1, a share below 1, or {AUTO}.")
    if 0 < gpus < 0.01:
        raise UsageError(f"--gpus-per-trial {gpus:g}: the smallest share of a GPU is 0.01; 0 means no GPU.")
    return ResourceRequest(options.cpus_per_trial, gpus)


def smallest_request_of(options: RunOptions) -> ResourceRequest:
    """Return the smallest resources that a trial may need: with `auto`, the smallest share of a GPU."""
    request = resource_request_of(options)
    return replace(request, gpus=1 / MAX_TRIALS_PER_GPU) if options.packs_gpus else request


def count_fitting_trials(request: ResourceRequest, node: Node) -> int:
    """Count the trials that fit on a node at once. A share lies on one GPU: two GPUs hold four shares of 0.4."""
    count = int(node.cpus // request.cpus)
    if request.gpus:
        count = min(count, int(node.gpus) * int(1 / request.gpus + ROUNDING))
    return min(count, int(node.memory // request.memory)) if request.memory and node.memory else count


def count_local_slots(options: RunOptions) -> int:
    """Count the trials that run at once on this machine. Raise UsageError if one trial needs more than it has.

    With --address the cluster decides: `count_cluster_slots` replaces the number once Ray is connected.
    """
    request = resource_request_of(options)
    if options.uses_cluster:
        return options.max_concurrent or 1
    node = Node("here", count_local_cpus(), _count_local_gpus() if request.gpus else 0)
    if request.cpus > node.cpus:
        raise UsageError(f"--cpus-per-trial {request.cpus}: this machine has {node.cpus:g} CPUs.")
    if options.packs_gpus and not node.gpus:
        raise UsageError(f"--gpus-per-trial {AUTO}: this machine has no GPU. Without the flag trials run on CPUs.")
    if request.gpus > node.gpus:
        raise UsageError(f"--gpus-per-trial {request.gpus:g}: this machine has {node.gpus:g} GPUs.")
    slots = count_fitting_trials(smallest_request_of(options), node)
    return min(slots, options.max_concurrent) if options.max_concurrent else slots


def count_cluster_slots(options: RunOptions, alive: Iterable[Node], node_types: Iterable[tuple[Node, int]] = ()) -> int:
    """Count the trials that run at once on a cluster. --max-concurrent may be more: the rest waits for later nodes.

    `node_types` are the kinds of nodes that the cluster may start by itself, each with its largest number. Raises
    UsageError if no node and no kind of node is large enough, so that a trial would wait for ever.
    """
    request, smallest, nodes = resource_request_of(options), smallest_request_of(options), list(alive)
    slots_now = sum(count_fitting_trials(smallest, node) for node in nodes)
    slots_later = sum(count_fitting_trials(smallest, node) * number for node, number in node_types)
    if not slots_now and not slots_later:
        sizes = Counter(f"{node.cpus:g} CPUs and {node.gpus:g} GPUs" for node in nodes)
        inventory = "; ".join(f"{number} with {size}" for size, number in sorted(sizes.items()))
        raise UsageError(
            f"no node of the cluster is large enough for a trial of {request} (there are {inventory}). "
            "Give smaller --cpus-per-trial or --gpus-per-trial, or start a larger node first."
        )
    return options.max_concurrent or max(slots_now, slots_later)


def count_local_cpus() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_mig_parts() -> int:
    """Count the parts of divided GPUs (MIG) that this process may use: neither torch nor Ray counts more than one."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return sum(name.strip().startswith("MIG-") for name in visible)


def _count_local_gpus() -> int:
    if parts := count_mig_parts():
        return parts
    import torch

    return torch.cuda.device_count()
