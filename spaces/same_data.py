"""Cells in which a chain trains on the target's own training rows: more epochs on the same rows, not transfer.

MultiNLI is the training set of XNLI, and SQuAD 1.1 that of XQuAD and MLQA. An intermediate task with these rows has
them seen twice by the target, while the baseline sees them once. A chain shares rows with a target if any of its tasks
does, whatever its languages (a translated row is the same row), labels (controls), method or sampler.
"""

from collections.abc import Sequence

from spaces.benchmark import Benchmark
from spaces.chain import parse_chain
from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS, TASK_SPLITS


def shares_training_rows(benchmark: Benchmark, chain: str, target: str, mixture: Sequence[str] | None = None) -> bool:
    """Return True if the phase of a chain trains on rows of the target's training set; `multitask` mixes `mixture`.

    Without `mixture` that is the benchmark's own. Accepts any text: a chain without a phase and a name that the
    benchmark does not know share nothing.
    """
    task = benchmark.targets.get(target)
    if task is None or task.recipe is None:
        return False
    try:
        parsed = parse_chain(chain)
    except UsageError:  # a foreign file may call its chains as it likes
        return False
    names: Sequence[str] = parsed.tasks
    if parsed.is_multitask:
        names = [each.name for each in benchmark.multitask_tasks()] if mixture is None else mixture
    own = list_training_sets(benchmark, task)
    known = (benchmark.intermediates[name] for name in names if name in benchmark.intermediates)
    return any(own & list_training_sets(benchmark, each) for each in known)


def list_training_sets(benchmark: Benchmark, task: Task) -> frozenset[str]:
    """Return the datasets of a task's training rows, and those that they contain."""
    if benchmark.name == "miniature":  # every training set is drawn apart (trainables/miniature/world.py)
        return frozenset({task.text_task or task.training_set or task.name})
    parts = TASK_SPLITS.find(task.trained_as).train
    datasets = [name for part in parts for name in part.datasets]
    return frozenset((*datasets, *(inner for name in datasets for inner in DATASETS[name].contains)))
