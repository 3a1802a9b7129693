"""Checks before any stage that every GPU does what trials need: one small step on each, as a trial would do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.cluster.run_on_nodes import ANSWER_TIMEOUT, run_on_nodes
from search.request.resources import Node
from spaces.stage import Precision
from trainables.training.gpu_smoke import GpuFacts, collect_gpu_facts


@dataclass(frozen=True, slots=True)
class GpuReport:
    """The GPUs of a sweep, the reasons why trials on them would fail, and nodes with GPUs that were busy, by name."""

    gpus: Sequence[GpuFacts]
    problems: Sequence[str]
    busy: Sequence[str]

    @property
    def smallest_memory(self) -> int | None:
        """The bytes of the smallest GPU; None if a GPU is unknown, or there is none."""
        return None if self.problems or self.busy else min((gpu.memory for gpu in self.gpus), default=None)

    def describe(self) -> list[str]:
        """Return one line for each kind of GPU; more than one also say what that means for costs."""
        kinds = list(dict.fromkeys(map(str, self.gpus)))
        lines = [f"GPU: {kind} ({sum(str(gpu) == kind for gpu in self.gpus)} of them)." for kind in kinds]
        if len({gpu.name for gpu in self.gpus}) > 1:
            lines.append("The GPUs differ, so seconds of different stages do not compare.")
        unchecked = f"was busy for {ANSWER_TIMEOUT:g} seconds: it is not checked."
        busy = [f"note: a GPU of node {name} {unchecked}" for name in self.busy]
        return lines + busy


def check_gpus(nodes: Mapping[str, Node], precision: Precision, *, is_shared: bool) -> GpuReport:
    """Do a step on every GPU of the nodes at once. `is_shared`: several trials may lie on one GPU."""
    calls = [(key, (precision == "bf16",)) for key, node in nodes.items() for _ in range(int(node.gpus))]
    # A whole GPU for each call, and a process of its own, whose end frees the memory.
    found, problems, late = run_on_nodes(_collect, calls, nodes, num_gpus=1, max_calls=1)
    for key, facts in found:
        problems += find_gpu_problems(nodes[key].name, facts, precision, is_shared=is_shared)
    return GpuReport([facts for _, facts in found], list(dict.fromkeys(problems)), list(dict.fromkeys(late)))


def _collect(uses_bf16: bool) -> GpuFacts:
    return collect_gpu_facts(uses_bf16=uses_bf16)


def find_gpu_problems(name: str, facts: GpuFacts, precision: Precision, *, is_shared: bool) -> list[str]:
    """Return the reasons why trials on a GPU of this node would fail."""
    if precision == "bf16" and not facts.has_bf16:
        return [f"node {name}: {facts.name} (capability {facts.capability}) has no bf16. Give --precision fp32."]
    if facts.fault is not None:
        return [f"node {name}: a step on {facts} failed: {facts.fault}"]
    if is_shared and facts.compute_mode is not None and facts.compute_mode.startswith("Exclusive"):
        return [
            f"node {name}: {facts.name} takes one process only (compute mode {facts.compute_mode}). Give "
            "--gpus-per-trial 1, or let an administrator run `nvidia-smi -c DEFAULT`."
        ]
    return []
