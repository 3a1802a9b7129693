"""What the names of chains mean in what was read: their tasks and languages, and whether they had equal budgets."""

from collections.abc import Mapping, Sequence

import polars as pl

from analysis.transfer.array import Transfer
from spaces.benchmark import BENCHMARKS
from spaces.chain import MLM, MULTITASK, Chain, Ingredient, parse_chain
from spaces.errors import UsageError
from spaces.task import Task


def tasks_of(found: Transfer) -> Mapping[str, Task]:
    """The intermediate tasks of the benchmark; of a file that names none: those of any benchmark."""
    benchmark = found.loaded_scores.benchmark
    if benchmark is not None and benchmark in BENCHMARKS:
        return BENCHMARKS[benchmark].intermediates
    return {name: row for one in BENCHMARKS.values() for name, row in one.intermediates.items()}


def read_plain_chain(found: Transfer, name: str, tasks: Mapping[str, Task]) -> Chain | str:
    """A chain that differs from others by its ingredients and sampler alone, or why this one does not.

    The ingredients of the mix of all tasks are written out where it is known what they are.
    """
    try:
        chain = parse_chain(name)
    except UsageError:
        return "no name of a chain"
    if name in found.loaded_scores.controls or any(task in found.loaded_scores.controls for task in chain.tasks):
        return "a control"
    if chain.method or chain.target_method or chain.step_multiplier > 1:
        return "another method or more steps"
    if MLM in chain.tasks:
        return "masked words beside the tasks"
    if chain.is_multitask:
        mixed = _read_multitask_mix(found)
        if not mixed:
            return "of a mix of all tasks nothing says which they are"
        return Chain(name=name, ingredients=tuple(Ingredient(task) for task in mixed), sampler=chain.sampler)
    if unknown := [task for task in chain.tasks if task not in tasks]:
        return f"no table has the task {', '.join(unknown)}"
    return chain if chain.ingredients else "no intermediate phase"


def _read_multitask_mix(found: Transfer) -> tuple[str, ...]:
    said = {tuple(spec.get("mixture", {}).get(MULTITASK, ())) for spec in found.loaded_scores.specs} - {()}
    if len(said) == 1:
        return tuple(str(task) for task in said.pop())
    benchmark = found.loaded_scores.benchmark
    if said or benchmark is None or benchmark not in BENCHMARKS:
        return ()
    return tuple(task.name for task in BENCHMARKS[benchmark].multitask_tasks())


def describe_unequal_budgets(found: Transfer, names: Sequence[str]) -> str | None:
    """A sentence for readers where steps or examples of these chains are not known to be equal; else None."""
    specs = found.loaded_scores.specs
    budgets = [{spec.get("budget", {}).get(key) for spec in specs} for key in ("steps", "examples")]
    steps, examples = (len(said) == 1 and None not in said for said in budgets)
    spent = _read_steps(found, names)
    if not steps and len(spent) == len(names) and len(set(spent.values())) == 1:
        steps = True
    if steps and examples:
        return None
    lacking = []
    if not steps:
        least, most = (pick(spent, key=lambda name: spent[name], default=None) for pick in (min, max))
        lacking.append(
            "nothing says that the chains had equal steps"
            if least is None or most is None or spent[least] == spent[most]
            else f"steps go from {spent[least]} ({least}) to {spent[most]} ({most})"
        )
    if not examples:
        lacking.append("nothing says that they had equal numbers of distinct examples")
    return (
        f"SIZE IS NOT HELD FIXED: {' and '.join(lacking)}. What follows may be the effect of more training; a sweep "
        f"with --steps and --examples can tell."
    )


def _read_steps(found: Transfer, names: Sequence[str]) -> dict[str, int]:
    """The steps of finished intermediate stages, by chain."""
    rows = found.loaded_scores.intermediate_rows.filter(
        pl.col("intermediate").is_in(list(names)), pl.col("status") == "finished", pl.col("steps").is_not_null()
    )
    return dict(rows.group_by("intermediate").agg(pl.col("steps").max()).sort("intermediate").iter_rows())
