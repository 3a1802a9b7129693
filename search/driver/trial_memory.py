"""The memory of the host that trials ask Ray for, and what that leaves of the trials at once."""

from dataclasses import replace

from rich.console import Console

from search.cluster.cluster import list_alive_nodes, list_node_types
from search.cost.host_memory import find_trial_memory
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.request.resources import count_fitting_trials, smallest_request_of
from search.sweep.units import format_bytes


def choose_trial_memory(options: RunOptions, request: SweepRequest, slots: int, console: Console) -> tuple[int, int]:
    """Return the bytes of memory that each trial asks Ray for, 0 for none, and how many of `slots` it leaves.

    Machines that can hold no trial for other reasons do not count. On a cluster --max-concurrent stays, as nodes may
    join. Prints a note where memory is what limits, or a trial may be too large for every machine: it is tried all the
    same, since the bytes are predicted.
    """
    memory, smallest = find_trial_memory(request, options), smallest_request_of(options)
    nodes = [(node, 1) for node in list_alive_nodes().values() if count_fitting_trials(smallest, node)]
    types = [(node, most) for node, most in list_node_types() if count_fitting_trials(smallest, node)]
    types = types if options.uses_cluster else []
    is_known = all(node.memory for node, _ in (*nodes, *types))
    largest = max((int(node.memory) for node, _ in (*nodes, *types)), default=0)
    if not memory or not is_known or not largest:  # a node of unknown memory would never be started for such a trial
        return 0, slots
    here = "the largest node" if options.uses_cluster else "this machine"
    each = f"a trial may take {format_bytes(memory)} of memory, and {here} has {format_bytes(largest)} free"
    is_too_large, memory = memory > largest, min(memory, largest)
    asked = replace(smallest, memory=memory)
    fitting = max(sum(count_fitting_trials(asked, node) * number for node, number in kind) for kind in (nodes, types))
    left = slots if options.uses_cluster and options.max_concurrent else min(slots, fitting)
    if is_too_large or left < slots:
        at_once = f": {left} of {slots} trials at once" if left < slots else ""
        console.print(f"note: {each}{at_once}. --memory-per-trial GB asks for less.", soft_wrap=True)
    return memory, left
