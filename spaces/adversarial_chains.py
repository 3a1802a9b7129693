"""The members of the named space `adversarial`: which chains tell whether a method of the intermediate phase helps.

Few targets are enough: what a method does out of domain, and to inputs that are mixed or perturbed.
"""

from math import ceil

from spaces.benchmark import Benchmark
from spaces.method import METHODS

ADVERSARIAL_METHODS = ("fgm", "pgd", "freelb", "smart", "r3f", "synonyms")
ADVERSARIAL_TASKS = ("mnli", "squad", "ccg", "hellaswag")  # one of each kind


def list_adversarial_chains(benchmark: Benchmark) -> tuple[str, ...]:
    """One task of each kind by every method that has a meaning for it, and plain with as many passes as these make."""
    chains: list[str] = []
    for task in (benchmark.intermediates[name] for name in ADVERSARIAL_TASKS if name in benchmark.intermediates):
        methods = [METHODS[name] for name in ADVERSARIAL_METHODS if task.kind not in METHODS[name].unsuited_kinds]
        longer = sorted({ceil(method.passes) for method in methods} - {1})
        chains += [task.name, *(f"{task.name}~x{times}" for times in longer)]
        chains += [f"{task.name}~{method.name}" for method in methods]
    return tuple(chains)


def list_adversarial_targets(benchmark: Benchmark) -> tuple[str, ...]:
    """The quick targets, each with its shifted ones."""
    return tuple(
        name for name, task in benchmark.targets.items() if {name, task.clean_target} & set(benchmark.quick_targets)
    )
