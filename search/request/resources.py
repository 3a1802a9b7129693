"""How many trials fit on which machines: plain numbers, asked before anything is trained."""

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from spaces.errors import UsageError

ROUNDING = 1e-9  # 1 / 0.1 must be ten
AUTO = "auto"  # --gpus-per-trial: shares by measured memory, see search/driver/packing.py
MAX_TRIALS_PER_GPU = 4  # trials that such shares put on one GPU


@dataclass(frozen=True, slots=True)
class Node:
    """A machine, as Ray sees it."""

    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What one trial asks for. `gpus` is a share of one GPU, or a whole number of them."""

    cpus: int
    gpus: float

    def __str__(self) -> str:
        return f"{self.cpus} CPU{'s' * (self.cpus != 1)} and {self.gpus:g} GPU{'s' * (self.gpus != 1)}"


def resource_request_of(options: Namespace) -> ResourceRequest:
    """What the flags say that a trial needs at most; raises UsageError for a share that Ray cannot give."""
    gpus = 1.0 if options.gpus_per_trial == AUTO else float(options.gpus_per_trial)
    if gpus > 1 and not gpus.is_integer():
        raise UsageError(f"--gpus-per-trial {gpus:g}: above 1 it is a whole number of GPUs; a share is below 1.")
    if 0 < gpus < 0.01:
        raise UsageError(f"--gpus-per-trial {gpus:g}: the smallest share of a GPU is 0.01; 0 is none.")
    return ResourceRequest(options.cpus_per_trial, gpus)


def smallest_request_of(options: Namespace) -> ResourceRequest:
    """What a trial needs at least: with `auto` the smallest share."""
    ask = resource_request_of(options)
    return replace(ask, gpus=1 / MAX_TRIALS_PER_GPU) if options.gpus_per_trial == AUTO else ask


def count_fitting_trials(ask: ResourceRequest, node: Node) -> int:
    """Trials that fit on a node at once. A share lies on one GPU: of two GPUs, shares of 0.4 make four, not five."""
    by_cpus = int(node.cpus // ask.cpus)
    if not ask.gpus:
        return by_cpus
    by_gpus = node.gpus // ask.gpus if ask.gpus >= 1 else int(node.gpus) * int(1 / ask.gpus + ROUNDING)
    return min(by_cpus, int(by_gpus))


def count_local_slots(options: Namespace) -> int:
    """Trials at once on this machine; raises UsageError if one trial asks for more than there is.

    With --address the cluster decides, and `cluster_slots` is asked once Ray is connected.
    """
    ask = resource_request_of(options)
    if options.address is not None:
        return int(options.max_concurrent or 1)
    node = Node("here", count_local_cpus(), _count_local_gpus() if ask.gpus else 0)
    if ask.cpus > node.cpus:
        raise UsageError(f"--cpus-per-trial {ask.cpus}: there are {node.cpus:g} CPUs here.")
    if options.gpus_per_trial == AUTO and not node.gpus:
        raise UsageError(f"--gpus-per-trial {AUTO}: there is no GPU here; without the flag trials run on CPUs.")
    if ask.gpus > node.gpus:
        raise UsageError(f"--gpus-per-trial {ask.gpus:g}: there are {node.gpus:g} GPUs here.")
    slots = count_fitting_trials(smallest_request_of(options), node)
    return min(slots, options.max_concurrent) if options.max_concurrent else slots


def count_cluster_slots(options: Namespace, alive: Iterable[Node], coming: Iterable[tuple[Node, int]] = ()) -> int:
    """Trials at once on a cluster, also on the nodes that it may start by itself (each kind with its number).

    --max-concurrent may be more than fits: what is above waits for nodes that join later.
    Raises UsageError for a trial that would wait for ever, since neither a node nor a kind of node is large enough.
    """
    ask, least, alive = resource_request_of(options), smallest_request_of(options), list(alive)
    now = sum(count_fitting_trials(least, node) for node in alive)
    later = sum(count_fitting_trials(least, node) * number for node, number in coming)
    if not now and not later:
        kinds = Counter(f"{node.cpus:g} CPUs and {node.gpus:g} GPUs" for node in alive)
        have = "; ".join(f"{number} with {kind}" for kind, number in sorted(kinds.items()))
        raise UsageError(
            f"no node of the cluster is large enough for a trial of {ask} (there are {have}): "
            "give --cpus-per-trial and --gpus-per-trial that fit, or start such a node first."
        )
    return int(options.max_concurrent or max(now, later))


def count_local_cpus() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count_local_gpus() -> int:
    import torch

    return torch.cuda.device_count()
