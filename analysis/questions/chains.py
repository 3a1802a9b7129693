"""The tasks and languages that chain names stand for, and whether chains had equal budgets."""

from collections.abc import Mapping, Sequence

import polars as pl

from analysis.transfer.array import Transfer
from analysis.transfer.columns import benchmarks_of
from analysis.transfer.same_data import read_multitask_mix
from spaces.chain import MLM, Chain, Ingredient, parse_chain
from spaces.errors import UsageError
from spaces.task import Task


def tasks_of(transfer: Transfer) -> Mapping[str, Task]:
    """Return the intermediate tasks of `benchmarks_of`."""
    return {name: task for benchmark in benchmarks_of(transfer) for name, task in benchmark.intermediates.items()}


def list_candidates(transfer: Transfer) -> tuple[str, ...]:
    """Return the intermediate tasks that are no controls."""
    return tuple(name for name in transfer.intermediates if name not in transfer.loaded_scores.controls)


def read_plain_chain(transfer: Transfer, name: str, tasks: Mapping[str, Task]) -> Chain | str:
    """Return a chain that differs from others only by ingredients and sampler, or the reason why this one does not.

    The ingredients of the mix of all tasks are written out where they are known.
    """
    try:
        chain = parse_chain(name)
    except UsageError:
        return "not the name of a chain"
    if name in transfer.loaded_scores.controls or any(task in transfer.loaded_scores.controls for task in chain.tasks):
        return "a control"
    if chain.members or chain.ready:
        return "a phase without training"
    if chain.method or chain.target_method or chain.step_multiplier > 1:
        return "another method or other steps"
    if MLM in chain.tasks:
        return "masked words beside the tasks"
    if chain.is_multitask:
        members = read_multitask_mix(transfer)
        if not members:
            return "a mix of all tasks, whose tasks are not recorded"
        return Chain(name=name, ingredients=tuple(Ingredient(task) for task in members), sampler=chain.sampler)
    if unknown := [task for task in chain.tasks if task not in tasks]:
        return f"unknown task {', '.join(unknown)}"
    return chain if chain.ingredients else "no intermediate phase"


def describe_unequal_budgets(transfer: Transfer, names: Sequence[str]) -> str | None:
    """Return a warning if steps or examples of these chains are not known to be equal, else None."""
    specs = transfer.loaded_scores.specs
    budgets = [{spec.get("budget", {}).get(key) for spec in specs} for key in ("steps", "examples")]
    equal_steps, equal_examples = (len(values) == 1 and None not in values for values in budgets)
    steps = _read_steps(transfer, names)
    equal_steps = equal_steps or (len(steps) == len(names) and len(set(steps.values())) == 1)
    reasons = []
    unknown = [] if equal_examples else ["numbers of distinct examples"]
    if not equal_steps and len(set(steps.values())) > 1:
        least, most = (choose(steps, key=steps.__getitem__) for choose in (min, max))
        reasons.append(f"steps go from {steps[least]} ({least}) to {steps[most]} ({most})")
    elif not equal_steps:
        unknown.insert(0, "steps")
    if unknown:
        reasons.append(f"the chains are not known to have equal {' and '.join(unknown)}")
    if not reasons:
        return None
    return (
        f"SIZE IS NOT HELD FIXED: {'; '.join(reasons)}. Differences may come from more training. To rule that out, run "
        "the sweep with --steps and --examples."
    )


def _read_steps(transfer: Transfer, names: Sequence[str]) -> dict[str, int]:
    """Return the steps of finished intermediate stages, by chain."""
    rows = transfer.loaded_scores.intermediate_rows.filter(pl.col("intermediate").is_in(list(names)), status="finished")
    rows = rows.drop_nulls("steps")
    return dict(rows.group_by("intermediate").agg(pl.col("steps").max()).sort("intermediate").iter_rows())
