"""The members of the named space `adversarial`: which chains tell whether a method of the intermediate phase helps.

Few targets are enough: what a method does out of domain, and to inputs that are mixed or perturbed.
"""

from math import ceil

from spaces.benchmark import Benchmark
from spaces.method import METHODS

ADVERSARIAL = ("fgm", "pgd", "freelb", "smart", "r3f", "synonyms")
TASKS = ("mnli", "squad", "ccg", "hellaswag")  # one of each kind


def adversarial(benchmark: Benchmark) -> tuple[str, ...]:
    """One task of each kind by every method that has a meaning for it, and plain with as many passes as these make."""
    chains: list[str] = []
    for task in (benchmark.intermediates[name] for name in TASKS if name in benchmark.intermediates):
        methods = [METHODS[name] for name in ADVERSARIAL if task.kind not in METHODS[name].unsuited]
        longer = sorted({ceil(method.passes) for method in methods} - {1})
        chains += [task.name, *(f"{task.name}~x{times}" for times in longer)]
        chains += [f"{task.name}~{method.name}" for method in methods]
    return tuple(chains)


def targets(benchmark: Benchmark) -> tuple[str, ...]:
    """The quick targets, each with its shifted ones."""
    return tuple(name for name, task in benchmark.targets.items() if {name, task.clean} & set(benchmark.quick_targets))
